//! Money: whole minor units and a currency. Never a float, never a sum over two currencies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A currency by its three letters (ISO 4217).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// Currencies without minor units, and those with three digits of them (ISO 4217, list one). All others have two.
const WITHOUT: &[&[u8; 3]] = &[
    b"BIF", b"CLP", b"DJF", b"GNF", b"ISK", b"JPY", b"KMF", b"KRW", b"PYG", b"RWF", b"UGX", b"UYI", b"VND", b"VUV",
    b"XAF", b"XOF", b"XPF",
];
const THREE: &[&[u8; 3]] = &[b"BHD", b"IQD", b"JOD", b"KWD", b"LYD", b"OMR", b"TND"];

impl Currency {
    /// The digits after the decimal point.
    pub fn digits(self) -> u32 {
        if WITHOUT.contains(&&self.0) {
            0
        } else if THREE.contains(&&self.0) {
            3
        } else {
            2
        }
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(MoneyError::Currency),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

/// Why an amount cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three capital letters.
    #[error("a currency has three capital letters, as in USD")]
    Currency,
    /// Two currencies in one sum.
    #[error("amounts in different currencies cannot be added")]
    Mixed,
    /// More than can be counted.
    #[error("the amount is too large")]
    TooLarge,
    /// Not an amount.
    #[error("write an amount with digits and a point, as in 24.00")]
    Amount,
}

/// An amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Whole minor units: cents, or yen.
    pub minor: i64,
    /// Of which currency.
    pub currency: Currency,
}

/// No amount that we reckon with is larger: ten thousand million minor units. Far from where a sum could overflow.
pub const LARGEST: i64 = 10_000_000_000;

impl Money {
    /// So many minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in this currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    fn checked(minor: Option<i64>, currency: Currency) -> Result<Self, MoneyError> {
        match minor {
            Some(minor) if (-LARGEST..=LARGEST).contains(&minor) => Ok(Self { minor, currency }),
            _ => Err(MoneyError::TooLarge),
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// Two currencies, or too much.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed);
        }
        Self::checked(self.minor.checked_add(other.minor), self.currency)
    }

    /// So many times.
    ///
    /// # Errors
    /// Too much.
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        Self::checked(self.minor.checked_mul(i64::from(quantity)), self.currency)
    }

    /// The tax on a net amount, in hundredths of a percent; half a minor unit is rounded away from zero.
    ///
    /// # Errors
    /// Too much.
    pub fn tax(self, basis_points: u32) -> Result<Self, MoneyError> {
        let exact = i128::from(self.minor) * i128::from(basis_points);
        let rounded = (exact.abs() + 5_000) / 10_000 * exact.signum();
        Self::checked(i64::try_from(rounded).ok(), self.currency)
    }

    /// Reads what an administrator typed: `24`, `24.5`, `1,200.00` never.
    ///
    /// # Errors
    /// Anything but digits, one point, and as many digits behind it as the currency has at most.
    pub fn parse(typed: &str, currency: Currency) -> Result<Self, MoneyError> {
        let typed = typed.trim();
        let (whole, part) = typed.split_once('.').unwrap_or((typed, ""));
        let digits = usize::try_from(currency.digits()).unwrap_or(2);
        let numeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 12 || part.len() > digits || !numeric(whole) || !numeric(part) {
            return Err(MoneyError::Amount);
        }
        if typed.ends_with('.') {
            return Err(MoneyError::Amount);
        }
        let padded = format!("{whole}{part:0<digits$}");
        Self::checked(padded.parse().ok(), currency)
    }
}

/// `24.00 USD`, `2400 JPY`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.currency.digits();
        let unit = 10_u64.pow(places);
        let (sign, minor) = (if self.minor < 0 { "-" } else { "" }, self.minor.unsigned_abs());
        let width = usize::try_from(places).unwrap_or(2);
        if places == 0 {
            write!(f, "{sign}{minor} {}", self.currency)
        } else {
            write!(f, "{sign}{}.{:0width$} {}", minor / unit, minor % unit, self.currency)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usd() -> Currency {
        "USD".parse().unwrap()
    }

    #[test]
    fn amounts_are_written_as_their_currency_is() {
        let of = |minor, currency: &str| Money::new(minor, currency.parse().unwrap()).to_string();
        assert_eq!(of(2400, "USD"), "24.00 USD");
        assert_eq!(of(5, "EUR"), "0.05 EUR");
        assert_eq!(of(-1234, "EUR"), "-12.34 EUR");
        assert_eq!(of(2400, "JPY"), "2400 JPY");
        assert_eq!(of(2400, "KWD"), "2.400 KWD");
        for wrong in ["usd", "US", "USDX", "U$D", ""] {
            assert_eq!(wrong.parse::<Currency>(), Err(MoneyError::Currency), "{wrong}");
        }
    }

    #[test]
    fn half_a_cent_is_rounded_away_from_zero_and_sums_have_one_currency() {
        let tax = |minor, points| Money::new(minor, usd()).tax(points).unwrap().minor;
        assert_eq!((tax(2400, 1900), tax(50, 100), tax(49, 100), tax(-50, 100), tax(2400, 0)), (456, 1, 0, -1, 0));
        let yen = Money::new(1, "JPY".parse().unwrap());
        assert_eq!(Money::new(1, usd()).plus(yen), Err(MoneyError::Mixed));
        assert_eq!(Money::new(LARGEST, usd()).plus(Money::new(1, usd())), Err(MoneyError::TooLarge));
        assert_eq!(Money::new(i64::MAX, usd()).times(u32::MAX), Err(MoneyError::TooLarge));
    }

    #[test]
    fn what_is_typed_is_an_amount_or_is_refused() {
        let typed = |text| Money::parse(text, usd()).map(|money| money.minor);
        assert_eq!((typed("24"), typed("24.5"), typed(" 24.05 ")), (Ok(2400), Ok(2450), Ok(2405)));
        for wrong in ["", ".", "24.", ".5", "-1", "24.005", "1,200.00", "24 USD", "1e3", "１２"] {
            assert_eq!(typed(wrong), Err(MoneyError::Amount), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(minor in 0..LARGEST, currency in prop::sample::select(vec!["USD", "JPY", "KWD"])) {
            let money = Money::new(minor, currency.parse().unwrap());
            let text = money.to_string();
            let amount = text.split(' ').next().unwrap();
            prop_assert_eq!(Money::parse(amount, money.currency), Ok(money));
        }

        #[test]
        fn tax_is_within_half_a_unit(minor in 0..LARGEST / 100, points in 0..3000_u32) {
            let tax = i128::from(Money::new(minor, usd()).tax(points).unwrap().minor);
            let exact = i128::from(minor) * i128::from(points);
            prop_assert!((tax * 10_000 - exact).abs() <= 5_000);
        }
    }
}
