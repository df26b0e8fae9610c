use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::cluster::Member;
use crate::target::Target;

fn id(name: &str) -> InstanceId {
    InstanceId::parse(name).unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-03-14T03:12:07Z".parse().unwrap()
}

fn event(kind: FailoverKind, instance: Option<&str>, age_ms: Option<i64>) -> FailoverEvent {
    FailoverEvent {
        kind,
        instance: instance.map(id),
        message: "Something: ?".to_owned(),
        age_ms,
        time: age_ms.map(|age| now() - TimeDelta::milliseconds(age.max(0))),
        is_replay: false,
        unreadable_times: vec![],
    }
}

/// A process that has acted on an event of this age, which named y.
fn acted_on(age_ms: i64) -> Memory {
    let mut memory = Memory::default();
    let target = Target { id: "10.0.0.2".to_owned(), port: 3306, zone: None };
    memory.remember(&event(FailoverKind::StartedCrossZone, Some("y"), Some(age_ms)), Some(&target), now());
    memory
}

#[test]
fn the_table_of_decisions() {
    use FailoverKind::*;
    let (fresh, edge, old, unknown) = (Some(1_000), Some(60_000), Some(60_001), None);
    let trust = || Approach::Trust(id("x"));
    let verify = || Approach::Verify(id("x"));
    let (late, waiting) = (|| Approach::AskRds(Requester::LateEvent), || Approach::AskRds(Requester::FreshEvent));
    let table = [
        (StartedSameZone, Some("x"), fresh, trust()),
        (StartedCrossZone, Some("x"), fresh, trust()),
        (StartedCrossZone, Some("x"), edge, trust()),
        (StartedSameZone, Some("x"), old, late()),
        (StartedCrossZone, Some("x"), old, late()),
        (StartedCrossZone, Some("x"), unknown, late()),
        (StartedCrossZone, None, fresh, waiting()),
        (StartedCrossZone, None, old, late()),
        (Completed, Some("x"), fresh, verify()),
        (Completed, Some("x"), edge, verify()),
        (Completed, Some("x"), old, late()),
        (Completed, Some("x"), unknown, late()),
        (Completed, None, fresh, waiting()),
        (PromotingPrevious, Some("x"), fresh, verify()),
        (PromotingPrevious, Some("x"), old, late()),
        (PromotingPrevious, Some("x"), unknown, late()),
        (Failed, None, fresh, Approach::AskRds(Requester::FailedFailover)),
        (Failed, None, old, late()),
        (Failed, None, unknown, late()),
    ];
    for (kind, instance, age, expected) in table {
        assert_eq!(
            approach(&event(kind, instance, age), &Memory::default(), true),
            Ok(expected),
            "{kind:?} {instance:?} {age:?}"
        );
    }
}

#[test]
fn an_event_that_is_more_than_two_seconds_older_than_the_newest_is_late_by_order() {
    use FailoverKind::*;
    let trust = || Approach::Trust(id("x"));
    let late = || Approach::AskRds(Requester::LateEvent);
    // kind, its age, the age of the newest event that was acted on
    let table = [
        (StartedCrossZone, 40_000, 10_000, late()),
        (StartedCrossZone, 12_001, 10_000, late()),
        (StartedCrossZone, 12_000, 10_000, trust()),
        (StartedCrossZone, 10_000, 10_000, trust()),
        (StartedCrossZone, 9_000, 10_000, trust()),
        (StartedCrossZone, -60_000, 0, trust()), // a time ahead of our clock counts as now
        (Completed, 40_000, 10_000, late()),
        (PromotingPrevious, 40_000, 10_000, late()),
        (Failed, 40_000, 10_000, late()),
        (Failed, 10_000, 10_000, Approach::AskRds(Requester::FailedFailover)),
    ];
    for (kind, age, newest_age, expected) in table {
        let event = event(kind, (kind != Failed).then_some("x"), Some(age));
        assert_eq!(approach(&event, &acted_on(newest_age), true), Ok(expected), "{kind:?} {age} {newest_age}");
    }
}

#[test]
fn without_rds_every_event_is_trusted_at_any_age_unless_it_is_late_by_order() {
    use FailoverKind::*;
    for kind in [StartedSameZone, StartedCrossZone, Completed, PromotingPrevious] {
        for age in [Some(0), Some(3_600_000), None] {
            let expected = Approach::Trust(id("x"));
            assert_eq!(approach(&event(kind, Some("x"), age), &Memory::default(), false), Ok(expected));
            assert_eq!(approach(&event(kind, None, age), &Memory::default(), false).unwrap_err().name(), "MalformedEvent");
        }
        let late = approach(&event(kind, Some("x"), Some(40_000)), &acted_on(10_000), false).unwrap();
        let Approach::Ignore(reason) = late else { panic!("{late:?}") };
        assert!(reason.contains(kind.event_id()) && reason.contains("named y"), "{reason}");
        let unknown = approach(&event(kind, Some("x"), None), &acted_on(10_000), false);
        assert_eq!(unknown, Ok(Approach::Trust(id("x"))), "an event without a time has no place in the order");
    }
    for (age, requester) in [(0, Requester::FailedFailover), (60_001, Requester::LateEvent)] {
        assert_eq!(approach(&event(Failed, None, Some(age)), &Memory::default(), false), Ok(Approach::AskRds(requester)));
    }
}

#[test]
fn rds_agrees_is_unsettled_or_contradicts() {
    let view = |status: &str, writers: &[&str]| ClusterView {
        status: status.to_owned(),
        engine: String::new(),
        is_global: false,
        members: ["x", "y"].map(|name| Member { id: id(name), is_writer: writers.contains(&name) }).to_vec(),
    };
    let unsettled = RdsView::Unsettled;
    let table = [
        (view("available", &["x"]), RdsView::Agrees),
        (view("backing-up", &["x"]), RdsView::Agrees),
        (view("available", &["y"]), RdsView::Contradicts),
        (view("failing-over", &["x"]), unsettled(Doubt::FailingOver)),
        (view("available", &[]), unsettled(Doubt::NoWriter)),
        (view("available", &["x", "y"]), unsettled(Doubt::SeveralWriters(vec![id("x"), id("y")]))),
    ];
    for (view, expected) in table {
        assert_eq!(RdsView::of(&id("x"), &view), expected, "{view:?}");
    }
}

#[test]
fn an_event_that_a_failover_has_ended_is_weighed_against_rds() {
    use Weighing::{Accept, LetRdsDecide, Recheck};
    let unsettled = RdsView::Unsettled(Doubt::FailingOver);
    // What RDS shows (none: unreachable), whether the group holds exactly the named instance, whether it may ask again.
    let table = [
        (Some(&RdsView::Agrees), false, true, Accept(Evidence::EventAndRds)),
        (Some(&RdsView::Agrees), true, false, Accept(Evidence::EventAndRds)),
        (Some(&unsettled), false, true, Accept(Evidence::Event)),
        (Some(&unsettled), false, false, Accept(Evidence::Event)),
        (None, false, true, Accept(Evidence::Event)),
        (Some(&RdsView::Contradicts), true, true, Accept(Evidence::Event)),
        (Some(&RdsView::Contradicts), true, false, Accept(Evidence::Event)),
        (Some(&RdsView::Contradicts), false, true, Recheck),
        (Some(&RdsView::Contradicts), false, false, LetRdsDecide),
    ];
    for (rds, is_in_place, may_recheck, expected) in table {
        assert_eq!(weigh(rds, is_in_place, may_recheck), expected, "{rds:?} {is_in_place} {may_recheck}");
    }
}

#[test]
fn the_newest_event_decides_and_an_ignored_one_does_not_compete() {
    use FailoverKind::{Completed, StartedCrossZone};
    let (started, completed) = (event(StartedCrossZone, Some("x"), Some(1_000)), event(Completed, Some("x"), Some(9_000)));
    let newest = choose(vec![started.clone(), completed.clone()], SwitchOn::Started, true);
    assert_eq!(newest.decides, Some(started.clone()));
    assert_eq!(newest.others, ["RDS-EVENT-0071 \"Something: ?\": superseded"]);
    let without_started = choose(vec![started.clone(), completed.clone()], SwitchOn::Completed, true);
    assert_eq!(without_started.decides, Some(completed));
    assert_eq!(without_started.others, ["RDS-EVENT-0073 only starts a failover, and SWITCH_ON is completed"]);
    assert_eq!(choose(vec![started], SwitchOn::Completed, true).decides, None);
}

#[test]
fn an_event_from_an_archive_is_never_fresh_and_without_rds_it_does_not_compete() {
    let replay = FailoverEvent { is_replay: true, ..event(FailoverKind::StartedCrossZone, Some("x"), Some(0)) };
    let live = event(FailoverKind::Completed, Some("y"), Some(50_000));
    let late = Ok(Approach::AskRds(Requester::LateEvent));
    assert_eq!(approach(&replay, &Memory::default(), true), late);
    assert_eq!(choose(vec![replay.clone(), live.clone()], SwitchOn::Started, true).decides, Some(replay.clone()));
    let without_rds = choose(vec![replay, live.clone()], SwitchOn::Started, false);
    assert_eq!(without_rds.decides, Some(live));
    assert!(without_rds.others[0].contains("archive") && without_rds.others[0].contains("DB_CLUSTER_ID"), "{without_rds:?}");
}
