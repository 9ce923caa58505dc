//! Paper: rows of text drawn as a PDF, for invoices and receipts.

use std::sync::LazyLock;

use krilla::Document;
use krilla::geom::Point;
use krilla::page::PageSettings;
use krilla::text::{Font, TextDirection};
use stepgate_core::subscriptions::order::{Order, summed};
use stepgate_core::time::Timestamp;

use crate::cx::Cx;
use crate::fault::Fault;
use crate::pages::When;

/// DejaVu Sans: Latin, Greek, Cyrillic, Arabic, Hebrew and more; free to embed (`idp/fonts/DejaVuSans.LICENSE.txt`).
static LETTERS: LazyLock<Option<Font>> =
    LazyLock::new(|| Font::new(include_bytes!("../../fonts/DejaVuSans.ttf").to_vec().into(), 0));

/// A4, in points.
const PAPER: (f32, f32) = (595.0, 842.0);
const LEFT: f32 = 56.0;
const BOTTOM: f32 = 780.0;
/// Where the columns of the lines end: quantity, price, sum. Digits stand below one another.
const ENDS: [f32; 3] = [372.0, 456.0, 539.0];
/// More letters than fit in a column go on in the next line.
const WIDE: usize = 46;
pub(super) const WHOLE: usize = 84;

/// One row: texts at their places, the size of the letters, and the height.
pub(super) struct Row {
    pub(super) texts: Vec<(f32, String)>,
    size: f32,
    height: f32,
}

pub(super) fn row(text: impl Into<String>) -> Row {
    Row { texts: vec![(LEFT, text.into())], size: 9.5, height: 14.0 }
}

pub(super) fn space(height: f32) -> Row {
    Row { texts: Vec::new(), size: 9.5, height }
}

pub(super) fn heading(text: impl Into<String>) -> Row {
    Row { size: 18.0, height: 30.0, ..row(text) }
}

/// Draws rows, with the letters that the settings name.
///
/// # Errors
/// A font that cannot be read.
pub(super) fn drawn(cx: &Cx, rows: &[Row]) -> Result<Vec<u8>, Fault> {
    let font = font(&cx.app.settings.shop.invoice_font)?;
    // Drawing is work for the processor alone, and short; the file is read by one person.
    draw(rows, &font)
}

/// What was sold, and what it came to.
pub(super) fn sold(order: &Order, tax_name: &str) -> Vec<Row> {
    let mut rows = vec![cells(["Product", "Quantity", "Price", "Sum"].map(str::to_owned))];
    for line in &summed(&order.lines) {
        let sum = line.unit.times(line.quantity).map_or_else(|_| String::new(), |sum| sum.to_string());
        let mut names = wrapped(&line.name, WIDE).into_iter();
        let first = names.next().unwrap_or_default();
        rows.push(cells([first, line.quantity.to_string(), line.unit.to_string(), sum]));
        rows.extend(names.map(row));
    }
    rows.push(space(8.0));
    rows.push(total("Without tax", order.totals.net.to_string()));
    rows.push(total(tax_name, order.totals.tax.to_string()));
    rows.push(total("Total", order.totals.gross.to_string()));
    rows
}

/// A sum below the others.
pub(super) fn total(name: &str, sum: String) -> Row {
    cells([String::new(), String::new(), name.to_owned(), sum])
}

fn font(file: &str) -> Result<Font, Fault> {
    if file.is_empty() {
        return LETTERS.clone().ok_or_else(|| Fault::internal("the built-in font cannot be read"));
    }
    let bytes = std::fs::read(file).map_err(|error| Fault::internal(format!("shop.invoice_font {file}: {error}")))?;
    Font::new(bytes.into(), 0).ok_or_else(|| Fault::internal(format!("shop.invoice_font {file}: no font")))
}

pub(super) fn date(at: Timestamp) -> String {
    When::date(at, &jiff::tz::TimeZone::UTC).text
}

fn cells([product, quantity, price, sum]: [String; 4]) -> Row {
    let numbers = ENDS.into_iter().zip([quantity, price, sum]).map(|(end, text)| (end - width(&text), text));
    Row { texts: std::iter::once((LEFT, product)).chain(numbers).collect(), size: 9.5, height: 16.0 }
}

/// How wide a text is, as DejaVu Sans draws it: exact for amounts, near enough for the words above them.
fn width(text: &str) -> f32 {
    let of = |letter: char| match letter {
        ' ' | '.' | ',' => 0.3179,
        '0'..='9' => 0.636,
        '-' => 0.361,
        'A'..='Z' => 0.7,
        'i' | 'j' | 'l' => 0.28,
        'f' | 'r' | 't' => 0.39,
        'm' | 'w' => 0.97,
        _ => 0.61,
    };
    text.chars().map(of).sum::<f32>() * 9.5
}

/// A text in lines of so many letters, broken at spaces where there are some.
pub(super) fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(most) {
            let piece: String = piece.iter().collect();
            match lines.last_mut() {
                Some(line) if line.is_empty() => *line = piece,
                Some(line) if line.chars().count() + 1 + piece.chars().count() <= most => {
                    line.push(' ');
                    line.push_str(&piece);
                }
                _ => lines.push(piece),
            }
        }
    }
    lines
}

fn draw(rows: &[Row], font: &Font) -> Result<Vec<u8>, Fault> {
    let paper = PageSettings::from_wh(PAPER.0, PAPER.1).ok_or_else(|| Fault::internal("no such paper"))?;
    let mut document = Document::new();
    let mut rest = rows;
    while !rest.is_empty() {
        let mut page = document.start_page_with(paper.clone());
        let mut surface = page.surface();
        let mut down = 64.0;
        let mut drawn = 0;
        for row in rest {
            if drawn > 0 && down + row.height > BOTTOM {
                break;
            }
            for (across, text) in &row.texts {
                if !text.is_empty() {
                    let at = Point::from_xy(*across, down);
                    surface.draw_text(at, font.clone(), row.size, text, false, TextDirection::Auto);
                }
            }
            down += row.height;
            drawn += 1;
        }
        surface.finish();
        page.finish();
        rest = rest.get(drawn..).unwrap_or_default();
    }
    document.finish().map_err(|error| Fault::internal(format!("a page of paper: {error:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_go_on_in_the_next_line() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("東京都 中央区", 4), ["東京都", "中央区"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn any_script_and_any_length_becomes_pages() {
        let font = font("").unwrap();
        let rows: Vec<Row> =
            (0..120).map(|at| row(format!("{at} Zürich Αθήνα Москва القاهرة 東京 🚀 \u{0}"))).collect();
        let pdf = draw(&rows, &font).unwrap();
        assert!(pdf.starts_with(b"%PDF-"));
        assert!(pdf.len() < 300_000, "only the letters that are used are embedded: {}", pdf.len());
        assert!(draw(&[], &font).is_ok());
    }
}
