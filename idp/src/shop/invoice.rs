//! An invoice as a PDF. It is made anew each time, from the order as it was sold; its number was given with the order.

use std::sync::LazyLock;

use krilla::Document;
use krilla::geom::Point;
use krilla::page::PageSettings;
use krilla::text::{Font, TextDirection};
use stepgate_core::subscriptions::checkout::lines_of;
use stepgate_core::subscriptions::order::{Order, OrderStage};
use stepgate_core::subscriptions::term::days_after;
use stepgate_core::time::Timestamp;
use stepgate_store::desk;

use super::catalogue::catalogue;
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
const WHOLE: usize = 84;

/// One row: texts at their places, the size of the letters, and the height.
struct Row {
    texts: Vec<(f32, String)>,
    size: f32,
    height: f32,
}

fn row(text: impl Into<String>) -> Row {
    Row { texts: vec![(LEFT, text.into())], size: 9.5, height: 14.0 }
}

fn space(height: f32) -> Row {
    Row { texts: Vec::new(), size: 9.5, height }
}

fn heading(text: impl Into<String>) -> Row {
    Row { size: 18.0, height: 30.0, ..row(text) }
}

/// The invoice of an order; `None` where it has none.
///
/// # Errors
/// The store, or a font that cannot be read.
pub async fn invoice(cx: &Cx, order: &Order) -> Result<Option<Vec<u8>>, Fault> {
    let extras = desk::find_extras(&cx.app.db, order.id).await?;
    let Some(number) = extras.invoice else { return Ok(None) };
    let tax_name = catalogue(cx).await?.tax_name;
    let rows = rows(cx, order, (&number, &tax_name));
    let font = font(&cx.app.settings.shop.invoice_font)?;
    // Drawing is work for the processor alone, and short; the file is read by one person.
    draw(&rows, &font).map(Some)
}

fn font(file: &str) -> Result<Font, Fault> {
    if file.is_empty() {
        return LETTERS.clone().ok_or_else(|| Fault::internal("the built-in font cannot be read"));
    }
    let bytes = std::fs::read(file).map_err(|error| Fault::internal(format!("shop.invoice_font {file}: {error}")))?;
    Font::new(bytes.into(), 0).ok_or_else(|| Fault::internal(format!("shop.invoice_font {file}: no font")))
}

fn date(at: Timestamp) -> String {
    When::date(at, &jiff::tz::TimeZone::UTC).text
}

fn rows(cx: &Cx, order: &Order, (number, tax_name): (&str, &str)) -> Vec<Row> {
    let shop = &cx.app.settings.shop;
    let mut rows: Vec<Row> = shop.seller.iter().map(row).collect();
    rows.extend([space(28.0), heading(format!("Invoice {number}"))]);
    let until = days_after(order.placed_at, shop.invoice_days);
    rows.push(row(format!("Order {}, placed on {} (UTC)", order.number, date(order.placed_at))));
    rows.push(row(match (order.stage, order.paid_at) {
        (OrderStage::AwaitingPayment, _) => format!("Payable within {} days, until {}", shop.invoice_days, date(until)),
        (OrderStage::Paid, Some(paid)) => format!("Paid on {}. Nothing is to be paid any more.", date(paid)),
        (OrderStage::Cancelled, _) => "Cancelled. Nothing is to be paid.".to_owned(),
        (OrderStage::Refunding | OrderStage::Refunded, _) | (OrderStage::Paid, None) => {
            "Given back. Nothing is to be paid.".to_owned()
        }
    }));
    rows.extend(order.purchase_order.iter().map(|own| row(format!("Your purchase order: {own}"))));
    rows.extend([space(18.0), row("Billed to")]);
    rows.extend(lines_of(&order.billing).iter().flat_map(|line| wrapped(line, WHOLE)).map(row));
    rows.push(space(22.0));
    rows.push(cells(["Product", "Quantity", "Price", "Sum"].map(str::to_owned)));
    for line in &order.lines {
        let sum = line.unit.times(line.quantity).map_or_else(|_| String::new(), |sum| sum.to_string());
        let mut names = wrapped(&line.name, WIDE).into_iter();
        let first = names.next().unwrap_or_default();
        rows.push(cells([first, line.quantity.to_string(), line.unit.to_string(), sum]));
        rows.extend(names.map(row));
    }
    rows.push(space(8.0));
    let total = |name: &str, sum: String| cells([String::new(), String::new(), name.to_owned(), sum]);
    rows.push(total("Without tax", order.totals.net.to_string()));
    rows.push(total(tax_name, order.totals.tax.to_string()));
    rows.push(total("Total", order.totals.gross.to_string()));
    rows.push(space(28.0));
    rows.push(row("The license keys are handed out when the money has come. Please state the number of the invoice."));
    rows.extend(shop.payment_details.iter().flat_map(|line| wrapped(line, WHOLE)).map(row));
    rows
}

fn cells([product, quantity, price, sum]: [String; 4]) -> Row {
    let numbers = ENDS.into_iter().zip([quantity, price, sum]).map(|(end, text)| (end - width(&text), text));
    Row { texts: std::iter::once((LEFT, product)).chain(numbers).collect(), size: 9.5, height: 16.0 }
}

/// How wide a text is, as DejaVu Sans draws it: exact for amounts, near enough for the words above them.
fn width(text: &str) -> f32 {
    let of = |letter: char| match letter {
        ' ' | '.' | ',' => 0.318,
        '0'..='9' => 0.636,
        'A'..='Z' => 0.7,
        'i' | 'j' | 'l' => 0.28,
        'f' | 'r' | 't' => 0.39,
        'm' | 'w' => 0.97,
        _ => 0.61,
    };
    text.chars().map(of).sum::<f32>() * 9.5
}

/// A text in lines of so many letters, broken at spaces where there are some.
fn wrapped(text: &str, most: usize) -> Vec<String> {
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
    document.finish().map_err(|error| Fault::internal(format!("the invoice: {error:?}")))
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
