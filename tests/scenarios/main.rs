//! The function against the stand-in: the real handler and the real SDK client; and the built binary as Lambda starts
//! it.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::print_stdout
)]

mod addresses;
#[path = "../bench/certificates.rs"]
mod certificates;
mod check;
mod check_in_context;
mod comparison;
mod discovery;
mod dry_run;
mod events;
mod failover;
mod faults;
mod init;
#[cfg(target_os = "linux")]
mod load;
mod log_level;
mod never_empty;
mod order;
mod out_of_reach;
mod payloads;
mod process;
mod proxy;
mod rds;
mod runtime_api;
#[path = "../standin/mod.rs"]
mod standin;
mod support;
mod tidy;
mod undone;
