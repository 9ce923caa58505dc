//! Start and stop of a node: from settings to a listening server and its background work.

mod background;
mod check;
mod start;

pub use check::problems;
pub use start::{BootError, Delivery, Node, build, load_keys, rotate_keys};
