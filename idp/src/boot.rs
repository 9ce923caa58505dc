//! Start and stop of a node: from settings to a listening server and its background work.

mod background;
mod check;
mod start;

pub use check::{DEMO_MASTER, problems};
pub use start::{BootError, Delivery, Node, build};
