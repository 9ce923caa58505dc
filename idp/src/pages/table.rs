//! Tables of the administrators' pages: rows as values, drawn by one template. They become cards on a phone.

use super::parts::Tone;
use super::when::When;

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing to say.
    Empty,
    /// Words.
    Text(String),
    /// A count or an amount: its digits stand under those of the next row.
    Number(String),
    /// An id, a hash, a serial number.
    Code(String),
    /// A link: path and words.
    Link(String, String),
    /// A state: how it looks and its word.
    State(Tone, String),
    /// A point in time.
    Time(When),
    /// A small form with one button.
    Button(super::parts::Action),
}

impl Cell {
    /// Words; the empty text is an empty cell.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// A count or an amount.
    pub fn number(number: impl std::fmt::Display) -> Self {
        Self::Number(number.to_string())
    }

    /// A link to `path`.
    pub fn link(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Link(path.into(), text.into())
    }

    pub(crate) const fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// A point in time, when there is one.
    pub fn time(when: Option<When>) -> Self {
        when.map_or(Self::Empty, Self::Time)
    }
}

/// Rows under column heads, a page at a time.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The heads.
    pub columns: Vec<String>,
    /// The rows, each as long as the heads.
    pub rows: Vec<Vec<Cell>>,
    /// What the column *Sum* comes to: words and amounts, below the rows.
    pub sums: Vec<(String, Cell)>,
    /// What to say when there are none.
    pub empty: String,
    /// The link to the next page (keyset paging).
    pub next: Option<String>,
    /// The link back to the first page, when this is not it.
    pub first: Option<String>,
}

impl Table {
    /// A table with these heads.
    pub fn new(columns: &[&str], rows: Vec<Vec<Cell>>, empty: impl Into<String>) -> Self {
        Self {
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows,
            sums: Vec::new(),
            empty: empty.into(),
            next: None,
            first: None,
        }
    }

    /// The heads, and whether amounts stand below them.
    pub(crate) fn heads(&self) -> Vec<(&str, bool)> {
        let is_number = |at: usize| self.rows.iter().any(|row| row.get(at).is_some_and(Cell::is_number));
        self.columns.iter().enumerate().map(|(at, column)| (column.as_str(), is_number(at))).collect()
    }

    /// The columns before the last one that holds amounts, and those after it.
    pub(crate) fn around_sums(&self) -> (usize, usize) {
        let last = self.heads().iter().rposition(|(_, is_number)| *is_number).unwrap_or_default();
        (last, self.columns.len().saturating_sub(last + 1))
    }

    pub(crate) fn labelled<'a>(&'a self, row: &'a [Cell]) -> Vec<(&'a str, &'a Cell)> {
        self.columns.iter().map(String::as_str).zip(row).collect()
    }
}
