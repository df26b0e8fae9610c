//! Which target group and which database the variables name: both must be in one account and region.

use crate::cluster::{Database, DatabaseKind};

/// A target group's ARN, and the parts that complete a plain identifier.
pub(super) struct TargetGroupArn {
    pub(super) arn: String,
    partition: String,
    pub(super) region: String,
    account: String,
}

impl TargetGroupArn {
    /// What `TARGET_GROUP_ARN` must look like.
    pub(super) const FORM: &str =
        "the ARN of a target group, like arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/aurora/0123456789abcdef";

    pub(super) fn parse(value: &str) -> Result<TargetGroupArn, String> {
        match *value.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            ["arn", partition, "elasticloadbalancing", region, account, resource]
                if [partition, region, account].iter().all(|part| !part.is_empty())
                    && resource.starts_with("targetgroup/")
                    && resource.split('/').count() == 3
                    && resource.split('/').all(|part| !part.is_empty())
                    && !value.contains(char::is_whitespace) =>
            {
                let [arn, partition, region, account] = [value, partition, region, account].map(str::to_owned);
                Ok(TargetGroupArn { arn, partition, region, account })
            }
            _ => Err(TargetGroupArn::FORM.to_owned()),
        }
    }
}

/// A database as a variable names it.
pub(super) enum Named {
    Id(DatabaseKind, String),
    Arn(Database),
}

impl Named {
    pub(super) fn parse(kind: DatabaseKind, value: &str) -> Result<Named, String> {
        let what = noun(kind);
        if Database::is_resource_id(value) {
            let attribute = if kind == DatabaseKind::Cluster { "DBClusterIdentifier" } else { "DBInstanceIdentifier" };
            return Err(format!("the identifier or the ARN of {what}; this is its resource ID: give its {attribute} instead"));
        }
        if let Some(database) = Database::of_arn(kind, value) {
            return Ok(Named::Arn(database));
        }
        let is_identifier = Database::new(kind, "", "", "", value).is_some();
        if is_identifier { Ok(Named::Id(kind, value.to_owned())) } else { Err(format!("the identifier or the ARN of {what}")) }
    }

    /// The database, which must be where the target group is.
    pub(super) fn complete(self, group: &TargetGroupArn) -> Result<Database, String> {
        let TargetGroupArn { partition, region, account, .. } = group;
        let of_group = |kind, id: &str| Database::new(kind, partition, region, account, id);
        match self {
            Named::Id(kind, id) => of_group(kind, &id).ok_or_else(|| noun(kind).to_owned()),
            Named::Arn(database) if database.region() != region.as_str() => {
                Err(format!("{} in {region}, the region of this function", noun(database.kind())))
            }
            Named::Arn(database) if of_group(database.kind(), database.id()).as_ref() != Some(&database) => {
                Err(format!("{} in account {account} (partition {partition}), like the target group", noun(database.kind())))
            }
            Named::Arn(database) => Ok(database),
        }
    }
}

fn noun(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Cluster => "a DB cluster",
        DatabaseKind::Instance => "a DB instance",
    }
}
