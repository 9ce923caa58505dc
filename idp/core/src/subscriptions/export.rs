//! Tables that leave as CSV (RFC 4180), safe to open in a spreadsheet: what would be read there as a formula is text; and
//! the days that a report is about.

use std::fmt::Write as _;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// One cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// What people or programs named: never trusted.
    Text(String),
    /// A count, or minor units.
    Number(i64),
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Whether a spreadsheet may take text that begins so for a formula (OWASP, CSV Injection); full-width signs and what
/// comes after white space or marks that nobody sees are taken for the same by some.
fn begins_a_formula(text: &str) -> bool {
    let unseen = |it: char| {
        it.is_whitespace() || it.is_control() || matches!(it, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    let first = text.chars().next();
    first.is_some_and(|it| matches!(it, '\t' | '\r' | '\n'))
        || text.chars().find(|it| !unseen(*it)).is_some_and(|it| {
            matches!(
                it,
                '=' | '+' | '-' | '@' | '|' | '%' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}' | '\u{2212}'
            )
        })
}

fn write_cell(line: &mut String, cell: &Cell) {
    match cell {
        Cell::Number(number) => {
            let _ = write!(line, "{number}");
        }
        Cell::Text(text) => {
            let guard = if begins_a_formula(text) { "'" } else { "" };
            let special = |it: char| matches!(it, '"' | ',' | ';' | '\t' | '\r' | '\n');
            if guard.is_empty() && !text.contains(special) {
                line.push_str(text);
            } else {
                let _ = write!(line, "\"{guard}{}\"", text.replace('"', "\"\""));
            }
        }
    }
}

/// A table as CSV: UTF-8, CRLF, the heads first.
pub fn csv(heads: &[&str], rows: &[Vec<Cell>]) -> String {
    let mut whole = String::new();
    let heads: Vec<Cell> = heads.iter().map(|head| Cell::from(*head)).collect();
    for row in std::iter::once(&heads).chain(rows) {
        for (place, cell) in row.iter().enumerate() {
            if place > 0 {
                whole.push(',');
            }
            write_cell(&mut whole, cell);
        }
        whole.push_str("\r\n");
    }
    whole
}

/// The days that a report is about, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub first: Date,
    /// The last day; it counts.
    pub last: Date,
}

/// What is wrong with the days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Not a day.
    #[error("{0}: write a day as 2026-03-02")]
    Day(&'static str),
    /// The wrong way round, or too long.
    #[error("to: the last day must not come before the first, nor more than ten years after it")]
    Order,
}

impl Period {
    /// The days that were typed; what is left out is the last thirty days until today.
    ///
    /// # Errors
    /// Which of the two is wrong.
    pub fn parse(from: &str, to: &str, now: Timestamp) -> Result<Self, PeriodError> {
        let today = jiff::Timestamp::from_millisecond(now.unix_millis()).unwrap_or_default();
        let today = today.to_zoned_datetime(TimeZone::UTC).date();
        let day = |name, text: &str| match text.trim() {
            "" => Ok(None),
            typed if typed.len() == 10 => typed.parse::<Date>().map(Some).map_err(|_| PeriodError::Day(name)),
            _ => Err(PeriodError::Day(name)),
        };
        let last = day("to", to)?.unwrap_or(today);
        let first = day("from", from)?.unwrap_or_else(|| last.saturating_sub(29.days()));
        let decent = (1970..=9000).contains(&first.year()) && (1970..=9000).contains(&last.year());
        if !decent || first > last || first.saturating_add(10.years()) < last {
            return Err(PeriodError::Order);
        }
        Ok(Self { first, last })
    }

    /// From when, and until when; the end is not in it.
    pub fn bounds(&self) -> (Timestamp, Timestamp) {
        let start = |day: Date| {
            let zoned = day.to_zoned_datetime(TimeZone::UTC).map(|at| at.timestamp().as_millisecond());
            Timestamp::from_unix_millis(zoned.unwrap_or_default())
        };
        (start(self.first), start(self.last.saturating_add(1.day())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        let written = |text: &str| {
            let whole = csv(&["a"], &[vec![text.into()]]);
            whole.strip_prefix("a\r\n").unwrap().strip_suffix("\r\n").unwrap().to_owned()
        };
        for bad in
            ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u{ff1d}1", "\u{200b}=1", "%0A=1", "|x"]
        {
            assert_eq!(written(bad), format!("\"'{bad}\""), "{bad:?}");
        }
        assert_eq!(written("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
        assert_eq!(
            (written("Iron, Inc."), written("plain"), written("1-2")),
            ("\"Iron, Inc.\"".into(), "plain".into(), "1-2".into())
        );
        assert_eq!(csv(&["n", "m"], &[vec![(-5).into(), 7.into()]]), "n,m\r\n-5,7\r\n");
    }

    #[test]
    fn days_are_days_of_the_calendar() {
        let now = Timestamp::from_unix_seconds(1_772_460_300);
        let period = Period::parse("", "", now).unwrap();
        assert_eq!((period.first.to_string(), period.last.to_string()), ("2026-02-01".into(), "2026-03-02".into()));
        let (from, until) = Period::parse("2028-02-29", "2028-02-29", now).unwrap().bounds();
        assert_eq!(until.unix_seconds() - from.unix_seconds(), 86_400);
        assert_eq!(Period::parse("2026-13-01", "", now), Err(PeriodError::Day("from")));
        assert_eq!(Period::parse("", "tomorrow", now), Err(PeriodError::Day("to")));
        for (from, to) in [("2026-03-02", "2026-03-01"), ("2000-01-01", "2026-01-01"), ("0001-01-01", "0001-01-01")] {
            assert_eq!(Period::parse(from, to, now), Err(PeriodError::Order), "{from}");
        }
    }

    proptest! {
        /// Whatever text there is: one cell of a row of two, and no cell begins a formula.
        #[test]
        fn a_cell_stays_a_cell(text in "\\PC*|[=+@\\t\\r\\n\",;' -]*") {
            let whole = csv(&[], &[vec![text.as_str().into(), 1.into()]]);
            let rows = crate::subscriptions::invitation::records(whole.strip_prefix("\r\n").unwrap()).unwrap();
            prop_assert_eq!(rows.len(), 1);
            prop_assert_eq!(rows[0].fields.len(), 2);
            let read = &rows[0].fields[0];
            prop_assert!(read == &text || read.strip_prefix('\'') == Some(text.as_str()));
            prop_assert!(!begins_a_formula(read));
        }
    }
}
