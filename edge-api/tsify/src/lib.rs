//! What the derive macro of `tsify` needs, under the name it expects.
//!
//! `tsify` itself links the standard library, which the page's wasm does without. Only its declarations are used: values cross
//! by hand (`client-wasm/src/plain.rs`).

#![no_std]

pub use tsify_macros::Tsify;

use wasm_bindgen::JsCast;

/// A type with a TypeScript declaration. Derived.
pub trait Tsify {
    /// The type as it is imported from JavaScript.
    type JsType: JsCast;

    /// Its declaration.
    const DECL: &'static str;

    /// How the macro would have values cross.
    const SERIALIZATION_CONFIG: SerializationConfig;
}

/// How the macro would have values cross.
#[derive(Debug)]
pub struct SerializationConfig {
    /// `null` for what is not there.
    pub missing_as_null: bool,
    /// Maps as objects.
    pub hashmap_as_object: bool,
    /// `bigint` for large numbers.
    pub large_number_types_as_bigints: bool,
}
