//! Rust values as plain JavaScript ones, and back: views, messages between tabs, records, bodies.
//!
//! By hand, member by member, and not by serde: what serde makes of the same types was a fifth of what a page downloads. Serde's
//! attributes on them still say how they are declared; `tests/plain.rs` holds both to be the same.

use alloc::{string::String, vec::Vec};
use js_sys::{Array, Object};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// An object by its members.
    #[wasm_bindgen(extends = Object)]
    type Members;
    #[wasm_bindgen(method, indexing_getter)]
    fn get(this: &Members, key: &str) -> JsValue;
    #[wasm_bindgen(method, indexing_setter)]
    fn set(this: &Members, key: &str, value: &JsValue);
}

/// What can be told to JavaScript. A value that is not there is `undefined`.
pub trait ToPlain {
    /// It as a plain value.
    fn to_plain(&self) -> JsValue;
}

/// What can be read from JavaScript.
pub trait FromPlain: Sized {
    /// The value; none if it is something else.
    fn from_plain(value: &JsValue) -> Option<Self>;
}

/// An object that is being put together.
#[derive(Default)]
pub struct Plain(Object);

impl Plain {
    /// With this member; `null` where the value is not there.
    #[must_use]
    pub fn with(self, key: &str, value: &dyn ToPlain) -> Self {
        let value = value.to_plain();
        self.put(
            key,
            if value.is_undefined() {
                JsValue::NULL
            } else {
                value
            },
        )
    }

    /// With this member; without it where the value is not there.
    #[must_use]
    pub fn with_known(self, key: &str, value: &dyn ToPlain) -> Self {
        let value = value.to_plain();
        if value.is_undefined() {
            self
        } else {
            self.put(key, value)
        }
    }

    fn put(self, key: &str, value: JsValue) -> Self {
        self.0.unchecked_ref::<Members>().set(key, &value);
        self
    }

    /// The object.
    pub fn done(self) -> JsValue {
        self.0.into()
    }
}

/// A member as it is; undefined where there is no object, or no such member.
pub fn member(value: &JsValue, key: &str) -> JsValue {
    if value.is_object() {
        value.unchecked_ref::<Members>().get(key)
    } else {
        JsValue::UNDEFINED
    }
}

/// A member of this type.
pub fn read<T: FromPlain>(value: &JsValue, key: &str) -> Option<T> {
    T::from_plain(&member(value, key))
}

impl ToPlain for JsValue {
    fn to_plain(&self) -> JsValue {
        self.clone()
    }
}

impl ToPlain for str {
    fn to_plain(&self) -> JsValue {
        self.into()
    }
}

impl ToPlain for &str {
    fn to_plain(&self) -> JsValue {
        (*self).into()
    }
}

impl ToPlain for String {
    fn to_plain(&self) -> JsValue {
        self.as_str().into()
    }
}

impl FromPlain for String {
    fn from_plain(value: &JsValue) -> Option<Self> {
        value.as_string()
    }
}

impl ToPlain for bool {
    fn to_plain(&self) -> JsValue {
        (*self).into()
    }
}

impl FromPlain for bool {
    /// Not said is no: an older tab does not know every question.
    fn from_plain(value: &JsValue) -> Option<Self> {
        value.as_bool().or(value.is_undefined().then_some(false))
    }
}

/// Numbers are whole and not below zero; JavaScript's reach to 2⁵³.
macro_rules! plain_number {
    ($($number:ty),*) => {$(
        impl ToPlain for $number {
            fn to_plain(&self) -> JsValue {
                (*self as f64).into()
            }
        }

        impl FromPlain for $number {
            fn from_plain(value: &JsValue) -> Option<Self> {
                let number = value.as_f64()?;
                let whole = number as Self;
                (whole as f64 == number).then_some(whole)
            }
        }
    )*};
}
plain_number!(u16, u32, u64);

impl ToPlain for f64 {
    fn to_plain(&self) -> JsValue {
        (*self).into()
    }
}

impl FromPlain for f64 {
    fn from_plain(value: &JsValue) -> Option<Self> {
        value.as_f64()
    }
}

impl<T: ToPlain> ToPlain for Option<T> {
    fn to_plain(&self) -> JsValue {
        self.as_ref().map_or(JsValue::UNDEFINED, T::to_plain)
    }
}

impl<T: FromPlain> FromPlain for Option<T> {
    fn from_plain(value: &JsValue) -> Option<Self> {
        if value.is_null() || value.is_undefined() {
            Some(None)
        } else {
            T::from_plain(value).map(Some)
        }
    }
}

impl<T: ToPlain> ToPlain for Vec<T> {
    fn to_plain(&self) -> JsValue {
        let list = Array::new();
        for item in self {
            list.push(&item.to_plain());
        }
        list.into()
    }
}

impl<T: FromPlain> FromPlain for Vec<T> {
    fn from_plain(value: &JsValue) -> Option<Self> {
        let list = value.dyn_ref::<Array>()?;
        list.iter().map(|item| T::from_plain(&item)).collect()
    }
}

/// A struct by its members: `field: "member"`, or `field: "member" known` for one that is left out where it is not known.
macro_rules! plain_object {
    ($name:ty { $($field:ident : $key:literal $($known:ident)?),* $(,)? }) => {
        impl $crate::plain::ToPlain for $name {
            fn to_plain(&self) -> wasm_bindgen::JsValue {
                let object = $crate::plain::Plain::default();
                $(let object = $crate::plain::plain_object!(@ object $key, &self.$field $(, $known)?);)*
                object.done()
            }
        }

        impl $crate::plain::FromPlain for $name {
            fn from_plain(value: &wasm_bindgen::JsValue) -> Option<Self> {
                Some(Self { $($field: $crate::plain::read(value, $key)?),* })
            }
        }
    };
    (@ $object:ident $key:literal, $value:expr) => { $object.with($key, $value) };
    (@ $object:ident $key:literal, $value:expr, known) => { $object.with_known($key, $value) };
}
pub(crate) use plain_object;

/// An enum without data by its words.
macro_rules! plain_words {
    ($name:ident { $($variant:ident : $word:literal),* $(,)? }) => {
        impl $crate::plain::ToPlain for $name {
            fn to_plain(&self) -> wasm_bindgen::JsValue {
                match self { $(Self::$variant => $word),* }.into()
            }
        }

        impl $crate::plain::FromPlain for $name {
            fn from_plain(value: &wasm_bindgen::JsValue) -> Option<Self> {
                match value.as_string()?.as_str() {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use plain_words;
