//! Keeps the target group of a Network Load Balancer on the writer of an Aurora cluster.
//!
//! One invocation takes these steps; each step is a module, listed below in this order:
//!
//! ```text
//! payload ─event→ Trigger ─writer→ Approach ─┬──────────────→ address → Plan ──────────┬─apply→ Answer
//!                                            └─ look (view, listed → address → Plan) ─ judge ┘
//! ```
//!
//! Start at [`Function::handle`]. The decisions ([`event`], [`writer`], [`plan`]) are pure functions over plain data; only
//! [`aws`] talks to a service, and only [`function`] knows in which order that happens.

pub mod function;

pub mod claim;
pub mod event;

pub mod cluster;
pub mod writer;

pub mod address;
pub mod ip_dict;

mod apply;
pub mod plan;
pub mod target;

pub mod answer;
pub mod error;
pub mod log;

pub mod check;

pub mod aws;
pub mod config;

pub use config::Config;
pub use error::Error;
pub use function::Function;
