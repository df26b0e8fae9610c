//! Who is the writer, by whose word: the event says *when*, two witnesses say *who*. Pure; neither clock nor calls.

use serde::Serialize;

use crate::claim::{Claim, FailoverKind};
use crate::error::Error;
use crate::instance::InstanceId;

/// On whose word a writer was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Evidence {
    /// The event's alone.
    #[serde(rename = "event")]
    Event,
    /// The event's, and RDS agrees.
    #[serde(rename = "event+rds")]
    EventAndRds,
    /// RDS's alone, the same at two looks if something was to be changed.
    #[serde(rename = "rds")]
    Rds,
}

/// How to find the writer, given a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approach {
    /// Take the claim's word at once.
    Believe(InstanceId),
    /// Take the claim's word unless RDS has settled on another.
    Corroborate(InstanceId),
    /// As RDS says.
    AskRds,
}

/// The table of decisions: which claims are believed, which are checked, which only say that it is time to look.
///
/// "Started" is believed while fresh, for then RDS still shows the old writer and every second counts. An event that
/// is late only says *when*. Without RDS (`rds_known` false) there is nobody else to ask.
///
/// # Errors
/// Without RDS, [`Error::MalformedEvent`] for an event that should name an instance but does not.
pub fn approach(claim: &Claim, rds_known: bool) -> Result<Approach, Error> {
    use FailoverKind::{Completed, Failed, PromotingPrevious, StartedCrossZone, StartedSameZone};
    match (&claim.instance, claim.kind) {
        (_, Failed) => Ok(Approach::AskRds),
        (None, _) if !rds_known => Err(Error::MalformedEvent(format!(
            "{}: no instance after the last \": \" of {:?}; expected one like \"Completed failover to DB instance: aurora-2\"",
            claim.kind.event_id(),
            claim.message
        ))),
        (Some(writer), _) if !rds_known => Ok(Approach::Believe(writer.clone())),
        (Some(writer), StartedSameZone | StartedCrossZone) if claim.is_fresh() => Ok(Approach::Believe(writer.clone())),
        (Some(writer), Completed | PromotingPrevious) if claim.is_fresh() => Ok(Approach::Corroborate(writer.clone())),
        _ => Ok(Approach::AskRds),
    }
}

/// What DescribeDBClusters says of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    /// The cluster's status; only `failing-over` puts the writer in doubt.
    pub status: String,
    /// The members.
    pub members: Vec<Member>,
}

/// One member of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its instance ID.
    pub id: InstanceId,
    /// `IsClusterWriter`.
    pub is_writer: bool,
}

impl ClusterView {
    /// The writer, if the view is settled: the cluster is not failing over and has exactly one.
    ///
    /// # Errors
    /// What makes the view unsettled.
    pub fn settled_writer(&self) -> Result<&InstanceId, String> {
        if self.status.eq_ignore_ascii_case("failing-over") {
            return Err("RDS says that the cluster is failing-over".to_owned());
        }
        let writers: Vec<_> = self.members.iter().filter(|member| member.is_writer).map(|member| &member.id).collect();
        match writers.as_slice() {
            [writer] => Ok(writer),
            [] => Err("RDS shows no writer".to_owned()),
            several => {
                let names: Vec<_> = several.iter().map(|id| id.as_str()).collect();
                Err(format!("RDS shows {} writers: {}", several.len(), names.join(", ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::ClusterId;

    fn claim(kind: FailoverKind, instance: Option<&str>, age_ms: Option<i64>) -> Claim {
        Claim {
            kind,
            instance: instance.map(|name| InstanceId::parse(name).unwrap()),
            message: "Something: ?".to_owned(),
            cluster: ClusterId::parse("aurora-prod"),
            age_ms,
        }
    }

    fn view(status: &str, members: &[(&str, bool)]) -> ClusterView {
        let member = |(id, is_writer): &(&str, bool)| Member { id: InstanceId::parse(id).unwrap(), is_writer: *is_writer };
        ClusterView { status: status.to_owned(), members: members.iter().map(member).collect() }
    }

    #[test]
    fn the_table_of_decisions() {
        use FailoverKind::*;
        let x = || InstanceId::parse("x").unwrap();
        let (fresh, edge, old, unknown) = (Some(1_000), Some(60_000), Some(60_001), None);
        let believe = || Approach::Believe(x());
        let corroborate = || Approach::Corroborate(x());
        let table = [
            (StartedSameZone, Some("x"), fresh, believe()),
            (StartedCrossZone, Some("x"), fresh, believe()),
            (StartedCrossZone, Some("x"), edge, believe()),
            (StartedSameZone, Some("x"), old, Approach::AskRds),
            (StartedCrossZone, Some("x"), old, Approach::AskRds),
            (StartedCrossZone, Some("x"), unknown, Approach::AskRds),
            (StartedCrossZone, None, fresh, Approach::AskRds),
            (Completed, Some("x"), fresh, corroborate()),
            (Completed, Some("x"), edge, corroborate()),
            (Completed, Some("x"), old, Approach::AskRds),
            (Completed, Some("x"), unknown, Approach::AskRds),
            (Completed, None, fresh, Approach::AskRds),
            (PromotingPrevious, Some("x"), fresh, corroborate()),
            (PromotingPrevious, Some("x"), old, Approach::AskRds),
            (PromotingPrevious, Some("x"), unknown, Approach::AskRds),
            (Failed, None, fresh, Approach::AskRds),
            (Failed, None, old, Approach::AskRds),
            (Failed, None, unknown, Approach::AskRds),
        ];
        for (kind, instance, age, expected) in table {
            assert_eq!(approach(&claim(kind, instance, age), true), Ok(expected), "{kind:?} {instance:?} {age:?}");
        }
    }

    #[test]
    fn without_rds_every_claim_is_taken_whatever_its_age() {
        use FailoverKind::*;
        for kind in [StartedSameZone, StartedCrossZone, Completed, PromotingPrevious] {
            for age in [Some(0), Some(3_600_000), None] {
                let expected = Approach::Believe(InstanceId::parse("x").unwrap());
                assert_eq!(approach(&claim(kind, Some("x"), age), false), Ok(expected));
                assert_eq!(approach(&claim(kind, None, age), false).unwrap_err().name(), "MalformedEvent");
            }
        }
        assert_eq!(approach(&claim(Failed, None, Some(0)), false), Ok(Approach::AskRds));
    }

    #[test]
    fn one_writer_settles_every_status_but_failing_over() {
        // https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html#Aurora.Status
        let statuses = [
            "available",
            "backing-up",
            "backtracking",
            "cloning-failed",
            "creating",
            "deleting",
            "inaccessible-encryption-credentials",
            "inaccessible-encryption-credentials-recoverable",
            "maintenance",
            "migrating",
            "migration-failed",
            "modifying",
            "promoting",
            "preparing-data-migration",
            "renaming",
            "resetting-master-credentials",
            "starting",
            "stopped",
            "stopping",
            "storage-optimization",
            "update-iam-db-auth",
            "upgrading",
            "rebooting",
            "",
            "something-new",
        ];
        for status in statuses {
            assert_eq!(view(status, &[("a", true), ("b", false)]).settled_writer().unwrap().as_str(), "a", "{status}");
        }
        for status in ["failing-over", "Failing-Over"] {
            assert!(view(status, &[("a", true), ("b", false)]).settled_writer().unwrap_err().contains("failing-over"));
        }
    }

    #[test]
    fn no_writer_or_two_writers_settle_nothing() {
        assert_eq!(view("available", &[]).settled_writer().unwrap_err(), "RDS shows no writer");
        assert_eq!(view("available", &[("a", false)]).settled_writer().unwrap_err(), "RDS shows no writer");
        assert_eq!(view("available", &[("a", true), ("b", true)]).settled_writer().unwrap_err(), "RDS shows 2 writers: a, b");
    }
}
