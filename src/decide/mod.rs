//! The decisions: which event counts, what follows from what RDS shows, and which writes that takes. Pure: no call, no clock.

pub mod confirm;
pub mod doubt;
pub mod instance;
pub mod memory;
pub mod plan;
pub mod trust;
