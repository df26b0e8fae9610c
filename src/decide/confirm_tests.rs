use super::*;
use crate::cluster::Member;

fn id(name: &str) -> InstanceId {
    InstanceId::parse(name).unwrap()
}

fn target(host: u8) -> Target {
    Target { id: format!("10.0.0.{host}"), port: 3306, zone: None }
}

fn view(status: &str, members: &[(&str, bool)]) -> ClusterView {
    let member = |(id, is_writer): &(&str, bool)| Member { id: InstanceId::parse(id).unwrap(), is_writer: *is_writer };
    ClusterView {
        status: status.to_owned(),
        engine: String::new(),
        is_global: false,
        members: members.iter().map(member).collect(),
    }
}

#[test]
fn one_writer_settles_every_status_except_failing_over() {
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
        assert_eq!(settled_writer(&view(status, &[("a", true), ("b", false)])).unwrap().as_str(), "a", "{status}");
    }
    for status in ["failing-over", "Failing-Over"] {
        assert_eq!(settled_writer(&view(status, &[("a", true), ("b", false)])), Err(Doubt::FailingOver), "{status}");
    }
}

#[test]
fn no_writer_or_two_writers_settle_nothing() {
    let two = Doubt::SeveralWriters(vec![id("a"), id("b")]);
    assert_eq!(two.to_string(), "RDS shows 2 writers: a, b");
    for (members, doubt) in
        [(&[] as &[_], Doubt::NoWriter), (&[("a", false)], Doubt::NoWriter), (&[("a", true), ("b", true)], two)]
    {
        assert_eq!(settled_writer(&view("available", members)), Err(doubt));
    }
}

/// An observation; W is RDS's writer, with target 10.0.0.1. `targets` is like "1 healthy, 2 initial".
fn seen(writer: Result<&str, Doubt>, targets: &str) -> Observation {
    let health = |entry: &str| {
        let (host, state) = entry.split_once(' ').unwrap();
        TargetHealth { target: target(host.parse().unwrap()), state: state.to_owned(), reason: String::new(), zonal_shift: None }
    };
    let targets: Vec<_> = targets.split(", ").filter(|text| !text.is_empty()).map(health).collect();
    let host = if writer == Ok("w") { 1 } else { 3 };
    let wanted = writer.map(|writer| Change::new(id(writer), target(host), &targets));
    Observation { wanted, targets, is_global: false }
}

#[test]
fn what_follows_from_an_observation() {
    const IN_SYNC: &str = "1 unhealthy";
    const OFF: &str = "2 unhealthy";
    let (w, v) = (|| Ok("w"), || Ok("v"));
    let in_doubt = || Err(Doubt::FailingOver);
    let named = |host: u8| Some(Protection { named: Some((id("y"), target(host))), ..Protection::default() });
    let bare = || Some(Protection::default());
    // What it is; the observation before; this one; what is protected (none: rule 9 is lifted); what follows.
    let table = [
        ("in sync at first sight", None, seen(w(), IN_SYNC), bare(), "settled"),
        ("in sync whatever was before", Some(seen(in_doubt(), OFF)), seen(w(), IN_SYNC), bare(), "settled"),
        ("in sync, and a drain goes on", None, seen(w(), "1 unhealthy, 2 draining"), bare(), "settled"),
        ("a change at first sight", None, seen(w(), OFF), bare(), "recheck"),
        ("the same change twice", Some(seen(w(), OFF)), seen(w(), OFF), bare(), "settled"),
        ("an empty group twice", Some(seen(w(), "")), seen(w(), ""), bare(), "settled"),
        ("another writer before", Some(seen(v(), OFF)), seen(w(), OFF), bare(), "recheck"),
        ("another group before", Some(seen(w(), "4 unhealthy")), seen(w(), OFF), bare(), "recheck"),
        ("in sync before", Some(seen(w(), IN_SYNC)), seen(w(), OFF), bare(), "recheck"),
        ("unsettled before", Some(seen(in_doubt(), OFF)), seen(w(), OFF), bare(), "recheck"),
        ("unsettled now", Some(seen(w(), OFF)), seen(in_doubt(), OFF), bare(), "failing-over"),
        ("unsettled, and lifted", Some(seen(w(), OFF)), seen(in_doubt(), OFF), None, "failing-over"),
        ("unsettled, though nothing would change", None, seen(in_doubt(), IN_SYNC), bare(), "failing-over"),
        ("it takes away what an event named", Some(seen(w(), OFF)), seen(w(), OFF), named(2), "just-named"),
        ("it takes that away beside others", Some(seen(w(), OFF)), seen(w(), "4 unhealthy, 2 unhealthy"), named(2), "just-named"),
        ("what an event named is draining already", Some(seen(w(), "2 draining")), seen(w(), "2 draining"), named(2), "settled"),
        ("the event named another", Some(seen(w(), OFF)), seen(w(), OFF), named(4), "settled"),
        (
            "the event named the writer",
            Some(seen(w(), "1 unhealthy, 2 unhealthy")),
            seen(w(), "1 unhealthy, 2 unhealthy"),
            named(1),
            "settled",
        ),
        (
            "the event named the writer, which has a new address",
            Some(seen(w(), OFF)),
            seen(w(), OFF),
            Some(Protection { named: Some((id("w"), target(2))), ..Protection::default() }),
            "settled",
        ),
        ("what an event named, lifted", Some(seen(w(), OFF)), seen(w(), OFF), None, "settled"),
        ("it takes an initial target away", Some(seen(w(), "2 initial")), seen(w(), "2 initial"), bare(), "still-registering"),
        ("it takes an initial one away beside others", None, seen(w(), "4 unhealthy, 2 initial"), bare(), "still-registering"),
        ("an initial one, lifted", Some(seen(w(), "2 initial")), seen(w(), "2 initial"), None, "settled"),
        (
            "the writer's own is initial",
            Some(seen(w(), "1 initial, 2 unhealthy")),
            seen(w(), "1 initial, 2 unhealthy"),
            bare(),
            "settled",
        ),
        ("it was initial before", Some(seen(w(), "2 initial")), seen(w(), OFF), bare(), "settled"),
        ("it only registers", Some(seen(w(), "2 draining")), seen(w(), "2 draining"), bare(), "settled"),
    ];
    for (what, before, now, protection, expected) in table {
        let (requester, protection) =
            protection.map_or_else(|| (Requester::Operator, Protection::default()), |it| (Requester::Routine, it));
        let step = match confirm(before.as_ref(), &now, requester, &protection) {
            Step::Recheck => "recheck",
            Step::Done(Writer::Elsewhere) => "elsewhere",
            Step::Done(Writer::InDoubt(doubt)) => doubt.code(),
            Step::Done(Writer::Known(change)) => {
                assert_eq!(Ok(change), now.wanted, "{what}");
                "settled"
            }
        };
        assert_eq!(step, expected, "{what}");
    }
}

#[test]
fn what_each_requester_does_in_doubt() {
    // Whether it waits, whether rule 9 holds it back, whether it may conclude that the writer is in another region.
    let table = [
        (Requester::Routine, false, true, true),
        (Requester::Operator, false, false, true),
        (Requester::LateEvent, false, true, false),
        (Requester::FreshEvent, true, true, false),
        (Requester::FailedFailover, true, false, false),
    ];
    for (requester, waits, needs_protection, concludes_elsewhere) in table {
        let does = (requester.waits(), requester.needs_protection(), requester.concludes_elsewhere());
        assert_eq!(does, (waits, needs_protection, concludes_elsewhere), "{requester:?}");
    }
}

/// A view of a global database's cluster that shows no writer.
fn no_writer(is_global: bool) -> Observation {
    Observation { wanted: Err(Doubt::NoWriter), targets: vec![], is_global }
}

#[test]
fn two_views_of_a_global_database_without_a_writer_say_that_it_is_in_another_region() {
    let failing_over = Observation { wanted: Err(Doubt::FailingOver), ..no_writer(true) };
    let fresh = Protection { event_is_fresh: true, ..Protection::default() };
    let in_doubt = || Step::Done(Writer::InDoubt(Doubt::NoWriter));
    let bare = Protection::default;
    let (routine, operator) = (Requester::Routine, Requester::Operator);
    let table = [
        (None, no_writer(true), routine, bare(), Step::Recheck),
        (Some(no_writer(true)), no_writer(true), routine, bare(), Step::Done(Writer::Elsewhere)),
        (Some(no_writer(true)), no_writer(true), operator, bare(), Step::Done(Writer::Elsewhere)),
        (Some(no_writer(true)), no_writer(true), Requester::LateEvent, bare(), in_doubt()),
        (Some(no_writer(true)), no_writer(true), Requester::FreshEvent, bare(), in_doubt()),
        (Some(no_writer(true)), no_writer(true), Requester::FailedFailover, bare(), in_doubt()),
        (Some(no_writer(true)), no_writer(true), routine, fresh, in_doubt()),
        (Some(failing_over.clone()), no_writer(true), routine, bare(), Step::Recheck),
        (Some(no_writer(true)), failing_over, routine, bare(), Step::Done(Writer::InDoubt(Doubt::FailingOver))),
        (Some(no_writer(false)), no_writer(false), routine, bare(), in_doubt()),
    ];
    for (before, now, requester, protection, expected) in table {
        assert_eq!(confirm(before.as_ref(), &now, requester, &protection), expected, "{before:?} {now:?} {requester:?}");
    }
}
