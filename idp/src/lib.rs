//! Stepgate.

pub mod pages;
