//! The help pages: what there is, and one page of it with its contents, its neighbours and its rating.

use askama::Template;

use super::Page;
use super::layout::{Layout, Section};
use super::samples;
use crate::help::Topic;

/// What help there is.
#[derive(Clone, Debug, Template)]
#[template(path = "help/index.html")]
pub struct HelpIndexPage {
    /// The frame.
    pub layout: Layout,
}

impl HelpIndexPage {
    pub(crate) fn topics(&self) -> &'static [Topic] {
        Topic::ALL
    }
}

/// What people think of a page.
#[derive(Clone, Copy, Debug)]
pub struct Rating {
    /// How many rated it.
    pub count: i64,
    /// The sum of their stars.
    pub stars: i64,
    /// The reader's own.
    pub own: Option<i64>,
    /// Whether the reader is logged in, and may rate.
    pub known: bool,
    /// Whether what was sent is no number of stars.
    pub unread: bool,
}

/// The words beside one to five stars.
const STARS: [(i64, &str); 5] = [(1, "Not at all"), (2, "A little"), (3, "Partly"), (4, "Mostly"), (5, "Very useful")];

impl Rating {
    /// The average in tenths: `4.3`.
    pub(crate) fn average(&self) -> String {
        let tenths = (self.stars * 20 + self.count) / (self.count.max(1) * 2);
        format!("{}.{}", tenths / 10, tenths % 10)
    }

    pub(crate) fn choices(&self) -> [(i64, &'static str); 5] {
        STARS
    }

    pub(crate) fn is_own(&self, stars: &i64) -> bool {
        self.own == Some(*stars)
    }

    /// `★★★☆☆`.
    pub(crate) fn drawn(&self, stars: &i64) -> String {
        (1..=5).map(|place| if place <= *stars { '\u{2605}' } else { '\u{2606}' }).collect()
    }
}

/// One help page.
#[derive(Clone, Debug, Template)]
#[template(path = "help/topic.html")]
pub struct HelpTopicPage {
    /// The frame.
    pub layout: Layout,
    /// Which.
    pub topic: Topic,
    /// Its words, as markup of ours.
    pub words: String,
    /// What people think of it.
    pub rating: Rating,
}

impl HelpTopicPage {
    pub(crate) fn topics(&self) -> &'static [Topic] {
        Topic::ALL
    }
}

impl Page for HelpIndexPage {
    fn samples() -> Vec<(&'static str, Self)> {
        vec![("logged in", Self { layout: samples::portal("Help", Section::Help) })]
    }
}

impl Page for HelpTopicPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let settings = crate::subscriptions::SubscriptionSettings::default();
        let page = |topic: Topic, known: bool| {
            let layout = samples::portal(topic.title(), Section::Help);
            let rating = Rating { count: 18, stars: 77, own: known.then_some(4), known, unread: false };
            Self { layout, topic, words: topic.words(&settings), rating }
        };
        let mut all: Vec<_> = Topic::ALL.iter().map(|topic| (topic.slug(), page(*topic, true))).collect();
        let mut stranger = page(Topic::GetStarted, false);
        stranger.layout = Layout { section: Section::Help, ..samples::plain("Get Started") };
        stranger.rating.count = 0;
        all.push(("stranger", stranger));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_rounded_to_tenths() {
        let average = |count, stars| Rating { count, stars, own: None, known: true, unread: false }.average();
        assert_eq!(
            (average(18, 77), average(3, 14), average(2, 9), average(1, 5)),
            ("4.3".into(), "4.7".into(), "4.5".into(), "5.0".into())
        );
        assert_eq!(
            Rating { count: 0, stars: 0, own: None, known: true, unread: false }.drawn(&3),
            "\u{2605}\u{2605}\u{2605}\u{2606}\u{2606}"
        );
    }
}
