//! Keeps the target group of a Network Load Balancer on the writer of an Aurora cluster.
//!
//! One invocation is one walk along this line; each step is a module, in this order:
//!
//! ```text
//! payload ─event→ Trigger ─┬─writer→ who is the writer ─address→ Target ─┐
//!                   RDS ───┘                          registered targets ─┴─plan→ Plan ─apply→ Answer
//! ```
//!
//! Start at [`Function::handle`]: it is the whole story. The decisions ([`event`], [`writer`], [`plan`]) are pure
//! functions over plain data; only [`aws`] talks to a service, and only [`reconcile`] knows in which order that
//! happens.

pub mod address;
pub mod answer;
pub mod aws;
pub mod check;
pub mod claim;
pub mod config;
pub mod error;
pub mod event;
pub mod instance;
pub mod log;
pub mod plan;
pub mod reconcile;
pub mod sdk;
pub mod trust;
pub mod writer;

pub use config::Config;
pub use error::Error;
pub use reconcile::Function;
