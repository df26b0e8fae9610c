use super::super::doubt::Doubt;
use super::*;

fn id(name: &str) -> InstanceId {
    InstanceId::parse(name).unwrap()
}

fn target(host: u8) -> Target {
    Target { id: format!("10.0.0.{host}"), port: 3306, zone: None }
}

/// This many seconds after the process began.
fn at(seconds: i64) -> DateTime<Utc> {
    "2026-03-14T03:12:07Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(seconds)
}

fn event(kind: FailoverKind, instance: &str, seconds: i64) -> FailoverEvent {
    FailoverEvent {
        kind,
        instance: Some(id(instance)),
        message: String::new(),
        age_ms: Some(0),
        time: Some(at(seconds)),
        is_replay: false,
        unreadable_times: vec![],
    }
}

fn started(instance: &str, seconds: i64) -> FailoverEvent {
    event(FailoverKind::StartedCrossZone, instance, seconds)
}

#[test]
fn the_newest_event_is_kept_and_a_repeat_changes_nothing() {
    let completed = |seconds| event(FailoverKind::Completed, "x", seconds);
    // Events that were acted on, each at its time and 5 s later; what is remembered then: its time, and when it was acted on.
    let table = [
        (vec![started("x", 10)], 10, 15),
        (vec![started("x", 10), started("y", 20)], 20, 25),
        (vec![started("x", 20), started("y", 10)], 20, 25),
        (vec![started("x", 10), started("x", 12)], 10, 15),
        (vec![started("x", 10), started("x", 13)], 13, 18),
        (vec![started("x", 10), started("y", 11)], 11, 16),
        (vec![started("x", 10), completed(11)], 11, 16),
    ];
    for (events, time, acted_at) in table {
        let mut memory = Memory::default();
        for event in &events {
            memory.remember(event, None, event.time.unwrap() + TimeDelta::seconds(5));
        }
        let newest = memory.newest.unwrap();
        assert_eq!((newest.time, newest.acted_at), (at(time), at(acted_at)), "{events:?}");
    }
}

#[test]
fn of_two_events_of_one_moment_the_later_to_arrive_is_kept() {
    let mut memory = Memory::default();
    memory.remember(&started("x", 10), None, at(15));
    memory.remember(&started("y", 10), None, at(16));
    assert_eq!(memory.newest.unwrap().instance, Some(id("y")));
}

#[test]
fn an_event_of_unknown_age_is_not_remembered() {
    let mut memory = Memory::default();
    memory.remember(&FailoverEvent { time: None, ..started("x", 0) }, None, at(0));
    assert_eq!(memory, Memory::default());
}

#[test]
fn the_target_of_the_newest_event_is_protected_while_that_is_fresh_and_settled_a_minute_after_the_switch() {
    let mut memory = Memory::default();
    memory.remember(&started("x", 0), Some(&target(2)), at(20));
    // Seconds; whether the event is fresh, and so names what it named; whether the registration has settled.
    for (now, fresh, settled) in [
        (20, true, false),
        (60, true, false),
        (61, false, false),
        (80, false, false),
        (81, false, true),
        (619, false, true),
        (620, false, false),
    ] {
        let protection = memory.protection(at(now));
        assert_eq!(protection.event_is_fresh, fresh, "{now}");
        assert_eq!(protection.named, fresh.then(|| (id("x"), target(2))), "{now}");
        assert_eq!(protection.settled, settled.then(|| target(2)), "{now}");
    }
}

#[test]
fn a_target_that_no_run_looked_up_can_be_learned_later() {
    let mut memory = Memory::default();
    memory.remember(&started("x", 0), None, at(0));
    assert_eq!(memory.instance_without_target(at(30)), None, "it does not matter yet");
    assert_eq!(memory.instance_without_target(at(61)), Some(&id("x")));
    memory.learn_target(&id("y"), target(3));
    assert_eq!(memory.protection(at(61)).settled, None);
    memory.learn_target(&id("x"), target(2));
    assert_eq!((memory.instance_without_target(at(61)), memory.protection(at(61)).settled), (None, Some(target(2))));
}

/// RDS shows `writer`, with target 10.0.0.1, and the group holds another target.
fn wants(writer: &str, holds: u8) -> Observation {
    let health = |host| crate::target::TargetHealth {
        target: target(host),
        state: "initial".to_owned(),
        reason: String::new(),
        zonal_shift: None,
    };
    let targets = vec![health(holds)];
    Observation { wanted: Ok(Change::new(id(writer), target(1), &targets)), targets, is_global: false }
}

#[test]
fn a_change_is_held_for_two_minutes_and_another_look_starts_that_anew() {
    let same = || wants("w", 2);
    let unsettled = || Observation { wanted: Err(Doubt::FailingOver), ..same() };
    // What comes between the first look at 0 s and the last at 120 s, and whether it was held back; whether 2 minutes have passed.
    let table = [
        (vec![], true),
        (vec![(60, same(), true)], true),
        (vec![(60, same(), false)], true),
        (vec![(60, wants("v", 2), true)], false),
        (vec![(60, wants("w", 3), true)], false),
        (vec![(60, wants("w", 1), false)], false),
        (vec![(60, unsettled(), false)], false),
    ];
    for (between, expected) in table {
        let mut memory = Memory::default();
        memory.note(&same(), true, at(0));
        for (seconds, observation, is_held) in &between {
            memory.note(observation, *is_held, at(*seconds));
        }
        memory.note(&same(), true, at(119));
        assert_eq!(memory.protection(at(119)).held_long, None, "{between:?}");
        let held_long = memory.protection(at(120)).held_long.is_some();
        assert_eq!(held_long, expected, "{between:?}");
    }
}
