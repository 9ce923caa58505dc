//! Which of our languages somebody asks for.

use super::Language;

impl Language {
    /// The language of a tag such as `de-AT`: the region makes no difference to us. `None` for one that we do not speak.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let language = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.iter().map(|(known, _)| *known).find(|known| known.tag().eq_ignore_ascii_case(language))
    }

    /// The first of these tags that we speak: `ui_locales` is in the order of preference (OpenID Connect Core §3.1.2.1).
    pub fn of_tags(tags: &[String]) -> Option<Self> {
        tags.iter().find_map(|tag| Self::of_tag(tag))
    }

    /// What a browser asks for by `Accept-Language` (RFC 9110 §12.5.4): what we speak with the greatest weight, the
    /// earlier one where two weigh the same.
    pub fn of_header(header: &str) -> Option<Self> {
        let mut best: Option<(u16, Self)> = None;
        for range in header.split(',') {
            let mut parts = range.split(';');
            let Some(language) = parts.next().and_then(Self::of_tag) else { continue };
            let weight = match parts.next().map(str::trim).and_then(|part| part.strip_prefix("q=")) {
                Some(weight) => thousandths(weight),
                None => 1000,
            };
            if weight > 0 && best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

/// A weight with three digits at most after the point; one that is none asks for nothing.
fn thousandths(weight: &str) -> u16 {
    let (whole, rest) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    let rest: u16 = format!("{rest:0<3}").get(..3).and_then(|rest| rest.parse().ok()).unwrap_or(0);
    match whole {
        "1" => 1000,
        "0" => rest,
        _ => 0,
    }
}
