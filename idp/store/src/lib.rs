//! Stepgate.
