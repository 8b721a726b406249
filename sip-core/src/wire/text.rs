//! Types that are stored and shown as their text.

use alloc::string::String;

/// A value as it stands in a message. It is what `Display` shows, and not made by it: `fmt` and what it needs are 2 kB in the page.
pub trait Text {
    /// Appends it.
    fn write(&self, out: &mut String);

    /// It alone.
    fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }
}

/// Implements `Display` by [`Text`], `FromStr` by a `parse_text` function, and serde as that text.
macro_rules! as_text {
    ($type:ty) => {
        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&$crate::wire::Text::to_text(self))
            }
        }

        impl core::str::FromStr for $type {
            type Err = $crate::wire::ParseError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse_text(text)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct TextVisitor;
                impl serde::de::Visitor<'_> for TextVisitor {
                    type Value = $type;
                    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                        f.write_str("the text of a sip value")
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        <$type>::parse_text(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(TextVisitor)
            }
        }
    };
}

pub(super) use as_text;
