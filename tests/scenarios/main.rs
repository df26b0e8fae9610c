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
mod dry_run;
mod elsewhere;
mod envelopes;
mod events;
mod failover;
mod faults;
mod init;
mod instance;
mod lambda;
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
#[path = "../standin/mod.rs"]
#[allow(dead_code, reason = "the benchmark uses more of it")]
mod standin;
mod support;
mod tidy;
mod undone;
