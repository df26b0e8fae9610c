//! The acts for one RDS Multi-AZ DB instance: no event names an address, so what counts is the DNS name of its endpoint.

use std::time::Duration;

use crate::acts::{A, Act, B, act};
use crate::standin::{DB_INSTANCE, ENDPOINT, Standin};

const AVAILABLE: (&str, &str) = ("available", DB_INSTANCE);
const FAILING: (&str, &str) = ("rebooting", DB_INSTANCE);
const STOPPED: (&str, &str) = ("stopped", DB_INSTANCE);

#[rustfmt::skip]
pub const ACTS: &[Act] = &[
    act("The first scheduled run after deployment finds an empty group", "eventbridge-scheduled", 0, AVAILABLE, A),
    Act { meanwhile: |standin| { standin.settle(); standin.point(ENDPOINT, B); later(standin, 3, A) },
          ..act("Days later DNS flaps: two lookups of a scheduled run differ, and nothing is written", "eventbridge-scheduled", 0, AVAILABLE, A) },
    Act { meanwhile: |standin| later(standin, 2, B),
          ..act("A failover starts; DNS has the old address still, so the run waits until it moves", "instance-started", 1, FAILING, B) },
    act("The completed event arrives: this process has switched already, and does not wait", "instance-completed", 1, AVAILABLE, B),
    act("A scheduled run a moment later", "eventbridge-scheduled", 0, AVAILABLE, B),
    Act { meanwhile: |standin| standin.point(ENDPOINT, A),
          ..act("The next failover's started event is lost; the completed one finds the address moved", "instance-completed", 0, AVAILABLE, A) },
    Act { meanwhile: |standin| standin.point(ENDPOINT, B), doubt: "still-registering",
          ..act("Both events of a failover are lost, and the balancer is still registering the old address: DNS alone waits", "eventbridge-scheduled", 0, AVAILABLE, A) },
    Act { meanwhile: Standin::settle,
          ..act("It is registered: two lookups of a scheduled run agree", "eventbridge-scheduled", 0, AVAILABLE, B) },
    Act { meanwhile: |standin| standin.point(ENDPOINT, ""), fails: true,
          ..act("The name does not resolve: an error for Lambda to report, and nothing moves", "eventbridge-scheduled", 0, AVAILABLE, B) },
    Act { doubt: "instance-stopped",
          ..act("The same while RDS shows the instance as stopped: calm", "eventbridge-scheduled", 0, STOPPED, B) },
    Act { meanwhile: |standin| standin.point(ENDPOINT, B), doubt: "address-not-moved", allowed: 5,
          ..act("A failover starts and the address does not move: the run ends shortly before its deadline, 5 s here", "instance-started", 0, FAILING, B) },
    act("A started event arrives three hours late: DNS decides", "instance-started", 10_800, AVAILABLE, B),
    act("An event of a cluster is ignored", "started-cross-az", 0, AVAILABLE, B),
    act("The set-up is examined", "check", 0, AVAILABLE, B),
];

/// The name of the endpoint moves in so many seconds.
fn later(standin: &Standin, seconds: u64, address: &'static str) {
    let standin = standin.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        standin.point(ENDPOINT, address);
    });
}
