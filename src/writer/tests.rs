use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::cluster::Member;

fn id(name: &str) -> InstanceId {
    InstanceId::parse(name).unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-03-14T03:12:07Z".parse().unwrap()
}

fn claim(kind: FailoverKind, instance: Option<&str>, age_ms: Option<i64>) -> Claim {
    Claim {
        kind,
        instance: instance.map(id),
        message: "Something: ?".to_owned(),
        cluster: None,
        age_ms,
        time: age_ms.map(|age| now() - TimeDelta::milliseconds(age.max(0))),
    }
}

fn target(host: u8) -> Target {
    Target { id: format!("10.0.0.{host}"), port: 3306, zone: None }
}

fn newest(age_ms: i64) -> Newest {
    Newest { time: now() - TimeDelta::milliseconds(age_ms), named: Some((id("y"), target(2))) }
}

#[test]
fn the_table_of_decisions() {
    use FailoverKind::*;
    let (fresh, edge, old, unknown) = (Some(1_000), Some(60_000), Some(60_001), None);
    let believe = || Approach::Believe(id("x"));
    let corroborate = || Approach::Corroborate(id("x"));
    let (routine, patient) = (|| Approach::AskRds(Asker::Routine), || Approach::AskRds(Asker::FreshClaim));
    let table = [
        (StartedSameZone, Some("x"), fresh, believe()),
        (StartedCrossZone, Some("x"), fresh, believe()),
        (StartedCrossZone, Some("x"), edge, believe()),
        (StartedSameZone, Some("x"), old, routine()),
        (StartedCrossZone, Some("x"), old, routine()),
        (StartedCrossZone, Some("x"), unknown, routine()),
        (StartedCrossZone, None, fresh, patient()),
        (StartedCrossZone, None, old, routine()),
        (Completed, Some("x"), fresh, corroborate()),
        (Completed, Some("x"), edge, corroborate()),
        (Completed, Some("x"), old, routine()),
        (Completed, Some("x"), unknown, routine()),
        (Completed, None, fresh, patient()),
        (PromotingPrevious, Some("x"), fresh, corroborate()),
        (PromotingPrevious, Some("x"), old, routine()),
        (PromotingPrevious, Some("x"), unknown, routine()),
        (Failed, None, fresh, Approach::AskRds(Asker::FailedFailover)),
        (Failed, None, old, routine()),
        (Failed, None, unknown, routine()),
    ];
    for (kind, instance, age, expected) in table {
        assert_eq!(approach(&claim(kind, instance, age), None, true), Ok(expected), "{kind:?} {instance:?} {age:?}");
    }
}

#[test]
fn a_claim_that_is_more_than_two_seconds_older_than_the_newest_is_late_by_order() {
    use FailoverKind::*;
    let believe = || Approach::Believe(id("x"));
    let routine = || Approach::AskRds(Asker::Routine);
    // kind, its age, the age of the newest claim that was acted on
    let table = [
        (StartedCrossZone, 40_000, 10_000, routine()),
        (StartedCrossZone, 12_001, 10_000, routine()),
        (StartedCrossZone, 12_000, 10_000, believe()),
        (StartedCrossZone, 10_000, 10_000, believe()),
        (StartedCrossZone, 9_000, 10_000, believe()),
        (StartedCrossZone, -60_000, 0, believe()), // a time ahead of our clock counts as now
        (Completed, 40_000, 10_000, routine()),
        (PromotingPrevious, 40_000, 10_000, routine()),
        (Failed, 40_000, 10_000, routine()),
        (Failed, 10_000, 10_000, Approach::AskRds(Asker::FailedFailover)),
    ];
    for (kind, age, newest_age, expected) in table {
        let claim = claim(kind, (kind != Failed).then_some("x"), Some(age));
        assert_eq!(approach(&claim, Some(&newest(newest_age)), true), Ok(expected), "{kind:?} {age} {newest_age}");
    }
}

#[test]
fn without_rds_every_claim_is_taken_whatever_its_age_unless_it_is_late_by_order() {
    use FailoverKind::*;
    for kind in [StartedSameZone, StartedCrossZone, Completed, PromotingPrevious] {
        for age in [Some(0), Some(3_600_000), None] {
            let expected = Approach::Believe(id("x"));
            assert_eq!(approach(&claim(kind, Some("x"), age), None, false), Ok(expected));
            assert_eq!(approach(&claim(kind, None, age), None, false).unwrap_err().name(), "MalformedEvent");
        }
        let late = approach(&claim(kind, Some("x"), Some(40_000)), Some(&newest(10_000)), false).unwrap();
        let Approach::Ignore(reason) = late else { panic!("{late:?}") };
        assert!(reason.contains(kind.event_id()) && reason.contains("named y"), "{reason}");
        let unknown = approach(&claim(kind, Some("x"), None), Some(&newest(10_000)), false);
        assert_eq!(unknown, Ok(Approach::Believe(id("x"))), "what has no time has no place in the order");
    }
    assert_eq!(approach(&claim(Failed, None, Some(0)), None, false), Ok(Approach::AskRds(Asker::FailedFailover)));
}

#[test]
fn the_second_witness_agrees_is_unsettled_or_contradicts() {
    let view = |status: &str, writers: &[&str]| ClusterView {
        status: status.to_owned(),
        members: ["x", "y"].map(|name| Member { id: id(name), is_writer: writers.contains(&name) }).to_vec(),
    };
    let unsettled = |reason: &str| Witness::Unsettled(reason.to_owned());
    let table = [
        (view("available", &["x"]), Witness::Agrees),
        (view("backing-up", &["x"]), Witness::Agrees),
        (view("available", &["y"]), Witness::Contradicts(id("y"))),
        (view("failing-over", &["x"]), unsettled("RDS says that the cluster is failing-over")),
        (view("available", &[]), unsettled("RDS shows no writer")),
        (view("available", &["x", "y"]), unsettled("RDS shows 2 writers: x, y")),
    ];
    for (view, expected) in table {
        assert_eq!(second_witness(&id("x"), &view), expected, "{view:?}");
    }
}

/// A look at a group; W is RDS's writer, with target 10.0.0.1. `listed` is like "1 healthy, 2 initial".
fn look(writer: Result<&str, &str>, listed: &str) -> Look {
    let entry = |entry: &str| {
        let (host, state) = entry.split_once(' ').unwrap();
        Listed { target: target(host.parse().unwrap()), state: state.to_owned(), reason: String::new() }
    };
    let listed: Vec<_> = listed.split(", ").filter(|text| !text.is_empty()).map(entry).collect();
    let host = if writer == Ok("w") { 1 } else { 3 };
    let change = |writer: &str| Change { writer: id(writer), plan: Plan::new(&listed, &target(host)), target: target(host) };
    Look { asks_for: writer.map(change).map_err(str::to_owned), listed: listed.clone() }
}

#[test]
fn each_cell_of_the_judgement() {
    const IN_SYNC: &str = "1 unhealthy";
    const OFF: &str = "2 unhealthy";
    let (w, v) = (Ok("w"), Ok("v"));
    let in_doubt = Err("failing-over");
    let claimed = |host: u8| Some(Shield { claimed: Some((id("y"), target(host))) });
    let bare = || Some(Shield { claimed: None });
    // What it is; the look before; this look; what is shielded (none: rule 9 is lifted); what follows.
    let table = [
        ("in sync at the first look", None, look(w, IN_SYNC), bare(), "settled"),
        ("in sync whatever was before", Some(look(in_doubt, OFF)), look(w, IN_SYNC), bare(), "settled"),
        ("in sync, and a drain goes on", None, look(w, "1 unhealthy, 2 draining"), bare(), "settled"),
        ("a change at the first look", None, look(w, OFF), bare(), "look again"),
        ("the same change twice", Some(look(w, OFF)), look(w, OFF), bare(), "settled"),
        ("an empty group twice", Some(look(w, "")), look(w, ""), bare(), "settled"),
        ("another writer before", Some(look(v, OFF)), look(w, OFF), bare(), "look again"),
        ("another group before", Some(look(w, "4 unhealthy")), look(w, OFF), bare(), "look again"),
        ("in sync before", Some(look(w, IN_SYNC)), look(w, OFF), bare(), "look again"),
        ("unsettled before", Some(look(in_doubt, OFF)), look(w, OFF), bare(), "look again"),
        ("unsettled now", Some(look(w, OFF)), look(in_doubt, OFF), bare(), "failing-over"),
        ("unsettled, and lifted", Some(look(w, OFF)), look(in_doubt, OFF), None, "failing-over"),
        ("unsettled, though nothing would change", None, look(in_doubt, IN_SYNC), bare(), "failing-over"),
        ("it takes away what an event named", Some(look(w, OFF)), look(w, OFF), claimed(2), "named y"),
        ("it takes that away beside others", Some(look(w, OFF)), look(w, "4 unhealthy, 2 unhealthy"), claimed(2), "named y"),
        ("what an event named is draining already", Some(look(w, "2 draining")), look(w, "2 draining"), claimed(2), "settled"),
        ("the event named another", Some(look(w, OFF)), look(w, OFF), claimed(4), "settled"),
        (
            "the event named the writer",
            Some(look(w, "1 unhealthy, 2 unhealthy")),
            look(w, "1 unhealthy, 2 unhealthy"),
            claimed(1),
            "settled",
        ),
        (
            "the event named the writer, which has a new address",
            Some(look(w, OFF)),
            look(w, OFF),
            Some(Shield { claimed: Some((id("w"), target(2))) }),
            "settled",
        ),
        ("what an event named, lifted", Some(look(w, OFF)), look(w, OFF), None, "settled"),
        ("it takes an initial target away", Some(look(w, "2 initial")), look(w, "2 initial"), bare(), "initial"),
        ("it takes an initial one away beside others", None, look(w, "4 unhealthy, 2 initial"), bare(), "initial"),
        ("an initial one, lifted", Some(look(w, "2 initial")), look(w, "2 initial"), None, "settled"),
        (
            "the writer's own is initial",
            Some(look(w, "1 initial, 2 unhealthy")),
            look(w, "1 initial, 2 unhealthy"),
            bare(),
            "settled",
        ),
        ("it was initial at the look before", Some(look(w, "2 initial")), look(w, OFF), bare(), "settled"),
        ("it only registers", Some(look(w, "2 draining")), look(w, "2 draining"), bare(), "settled"),
    ];
    for (what, before, now, shield, expected) in table {
        let judgement = match judge(before.as_ref(), &now, shield.as_ref()) {
            Judgement::Settled(change) => {
                assert_eq!(Ok(change), now.asks_for, "{what}");
                "settled".to_owned()
            }
            Judgement::LookAgain => "look again".to_owned(),
            Judgement::InDoubt(doubt) => doubt,
        };
        assert!(judgement.contains(expected), "{what}: {judgement}");
    }
}

#[test]
fn who_waits_in_doubt_and_whom_rule_9_holds_back() {
    let table = [
        (Asker::Routine, false, true),
        (Asker::Operator, false, false),
        (Asker::FreshClaim, true, true),
        (Asker::FailedFailover, true, false),
    ];
    for (asker, is_patient, is_alone) in table {
        assert_eq!((asker.is_patient(), asker.is_alone()), (is_patient, is_alone), "{asker:?}");
    }
}
