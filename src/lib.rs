//! Keeps the target group of a Network Load Balancer on the current writer of an Aurora cluster.
//!
//! Start at [`Function::handle`]. One invocation takes these steps:
//!
//! ```text
//! payload ─event→ Trigger ┬ Ignored ──────────────────────────────────────────────────────→ Answer
//!                         ├ Check ─────→ reads ─→ findings ───────────────────────────────→ Answer
//!                         ├ Reconcile ───────────────────────────────→ as RDS says (below)
//!                         └ Failover ──decide/trust→ Approach
//!
//! Approach ┬ Ignore ──────────────────────────────────────────────────────────────────────→ Answer
//!          ├ Trust ─────────────────────────────────→ address → Plan ┬ empty, dry run ────→ Answer
//!          ├ Verify ─→ weigh ┬ accept ──────────────→ address → Plan ┴ apply ─────────────→ Answer
//!          │                 ├ recheck: weigh again 5 s later
//!          │                 └ RDS goes on to contradict: as RDS says
//!          └ AskRds ─────────────────────────────────────────────────→ as RDS says
//!
//! as RDS says: observe (view, targets → address → Plan) ─decide/confirm→ ┬ Change ─ apply ─→ Answer
//!                                                                        ├ recheck: observe again 5 s later
//!                                                                        └ Doubt ──────────→ Answer, or wait and recheck
//! ```
//!
//! The decisions ([`event`], [`decide`]) are pure functions over plain data. Only [`aws`] talks to a service, and only [`function`]
//! knows the order. Each module uses only modules below it in this list; `tests/scenarios/tidy.rs` holds it to that.

pub mod function;

pub mod answer;
pub mod check;

pub mod decide;
pub mod event;

pub mod address;

pub mod config;

pub mod aws;

pub mod target;

pub mod cluster;

pub mod error;
pub mod log;

pub use config::Config;
pub use error::Error;
pub use function::Function;
