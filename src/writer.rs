//! Who is the writer, by whose word: the event says *when*, two witnesses say *who*. Pure; neither clock nor calls.

use serde::Serialize;

use crate::claim::{Claim, FailoverKind};
use crate::cluster::InstanceId;
use crate::error::Error;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterId;

    fn claim(kind: FailoverKind, instance: Option<&str>, age_ms: Option<i64>) -> Claim {
        Claim {
            kind,
            instance: instance.map(|name| InstanceId::parse(name).unwrap()),
            message: "Something: ?".to_owned(),
            cluster: ClusterId::parse("aurora-prod"),
            age_ms,
        }
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
}
