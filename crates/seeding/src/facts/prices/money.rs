//! Amounts of money, exact to what a price list has.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// An amount of a currency in ten-billionths, which are the last digit of the amounts in AWS's price lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(u128);

/// The digits after the point.
const DIGITS: usize = 10;
const UNIT: u128 = 10_u128.pow(10);
const CENT: u128 = UNIT / 100;
/// The limit of an amount: more than any cluster costs. Amounts times nodes and hours never overflow.
const MOST_UNITS: u128 = 1_000_000_000_000 * UNIT;

impl Money {
    /// Reads a decimal number such as `0.0350000000`. Digits after the tenth have to be zeros.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let (kept, rest) = part.split_at_checked(DIGITS).unwrap_or((part, ""));
        if whole.is_empty() || whole.len() > 13 || !is_number(whole) || !is_number(kept) {
            return None;
        }
        if rest.bytes().any(|byte| byte != b'0') {
            return None;
        }
        let units = whole.parse::<u128>().ok()? * UNIT + format!("{kept:0<DIGITS$}").parse::<u128>().ok()?;
        (units <= MOST_UNITS).then_some(Self(units))
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// So many times the amount.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count as u128))
    }

    /// The amount to the nearest cent, a half upwards.
    #[must_use]
    pub const fn to_cents(self) -> Self {
        Self(self.0.saturating_add(CENT / 2) / CENT * CENT)
    }
}

impl fmt::Display for Money {
    /// Writes the amount with two digits after the point, or more if they are not zero.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = format!("{:0DIGITS$}", self.0 % UNIT);
        let kept = part.trim_end_matches('0').len().max(2);
        write!(formatter, "{}.{}", self.0 / UNIT, part.get(..kept).unwrap_or_default())
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = self.to_string().parse::<f64>().map_err(serde::ser::Error::custom)?;
        serializer.serialize_f64(number)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        Self::parse(&format!("{number:.DIGITS$}"))
            .ok_or_else(|| D::Error::custom(format!("{number} is no amount of money")))
    }
}

/// The code of a currency, such as `USD`: three capital letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(String);

impl TryFrom<String> for Currency {
    type Error = String;

    fn try_from(code: String) -> Result<Self, String> {
        if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Ok(Self(code))
        } else {
            Err("a currency has three capital letters".to_owned())
        }
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    #[test]
    fn amounts_are_read_and_written_exactly() {
        for (text, shown) in [
            ("0.0350000000", "0.035"),
            ("0.0000000001", "0.0000000001"),
            ("1", "1.00"),
            ("12.5", "12.50"),
            ("0.00000000010000", "0.0000000001"),
            ("000.1", "0.10"),
        ] {
            assert_eq!(money(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            ".",
            ".5",
            "-1",
            "+1",
            "1e3",
            "0x1",
            "1,5",
            "NaN",
            "inf",
            " 1",
            "1 ",
            "0.00000000001",
            "1.2.3",
            "99999999999999",
            "1000000000001",
            "٣",
            "1.٣",
        ] {
            assert_eq!(Money::parse(text), None, "{text}");
        }
        for json in ["-1", "1e300", "\"1\"", "null"] {
            assert!(serde_json::from_str::<Money>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_currency_is_a_code_and_no_text() {
        assert_eq!(serde_json::from_str::<Currency>("\"CNY\"").unwrap().to_string(), "CNY");
        for json in ["\"\"", "\"usd\"", "\"USDX\"", "\"US$\"", "\"\\u001b[0\"", "1"] {
            assert!(serde_json::from_str::<Currency>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_month_is_rounded_to_cents() {
        assert_eq!(money("0.0125").times(730).to_cents().to_string(), "9.13");
        assert_eq!(money("0.004").to_cents().to_string(), "0.00");
        assert_eq!(money("0.005").to_cents().to_string(), "0.01");
    }

    proptest! {
        /// JSON has floating-point numbers: fifteen digits survive them.
        #[test]
        fn json_keeps_the_amount(units in 0_u64..1_000_000_000_000_000) {
            let amount = Money(u128::from(units));
            let json = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), amount, "{}", json);
        }
    }
}
