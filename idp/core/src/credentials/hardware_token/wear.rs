//! How the clocks of many tokens run: what one token learned a step at a time, looked at together, tells whether a whole
//! series ages badly.

use std::collections::BTreeMap;

/// By how many seconds the clocks of several tokens are off, and how many tokens there are of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clocks(BTreeMap<i64, u64>);

impl Clocks {
    /// Adds so many tokens whose clocks are off by so many seconds.
    pub fn add(&mut self, seconds: i64, tokens: u64) {
        *self.0.entry(seconds).or_default() += tokens;
    }

    /// How many clocks there are.
    pub fn tokens(&self) -> u64 {
        self.0.values().sum()
    }

    /// Half of them are off by no more than this, ahead counted above behind. Of two in the middle the lower one.
    pub fn median(&self) -> Option<i64> {
        let middle = self.tokens().div_ceil(2);
        let mut passed = 0;
        self.0.iter().find_map(|(seconds, tokens)| {
            passed += tokens;
            (passed >= middle).then_some(*seconds)
        })
    }

    /// The clock that is furthest off, to either side.
    pub fn worst(&self) -> Option<i64> {
        self.0.keys().copied().max_by_key(|seconds| seconds.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_worst_of_many_clocks() {
        for (clocks, median, worst) in [
            (&[][..], None, None),
            (&[(30, 1)][..], Some(30), Some(30)),
            (&[(0, 1), (60, 1)][..], Some(0), Some(60)),
            (&[(-600, 1), (0, 98), (300, 1)][..], Some(0), Some(-600)),
            (&[(-30, 2), (0, 1), (90, 4)][..], Some(90), Some(90)),
            (&[(0, 0), (30, 3)][..], Some(30), Some(30)),
        ] {
            let mut found = Clocks::default();
            for (seconds, tokens) in clocks {
                found.add(*seconds, *tokens);
            }
            assert_eq!((found.median(), found.worst()), (median, worst), "{clocks:?}");
        }
    }
}
