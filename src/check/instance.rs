//! Checks that one DB instance has a standby to fail over to.

use super::finding::Finding;
use crate::cluster::InstanceView;

pub(super) fn findings(shown: &InstanceView) -> Vec<Finding> {
    let id = &shown.instance.id;
    let single_az = (!shown.is_multi_az).then(|| {
        let message = format!(
            "{id} has no standby, so it has no failover to follow: \
             aws rds modify-db-instance --db-instance-identifier {id} --multi-az --apply-immediately"
        );
        Finding::warning("single-az", message)
    });
    let read_replica = shown.replicates.as_ref().map(|source| {
        let message = format!("{id} is a read replica of {source}, so consumers reach a reader: set DB_INSTANCE_ID to {source}");
        Finding::error("read-replica", message)
    });
    single_az.into_iter().chain(read_replica).collect()
}
