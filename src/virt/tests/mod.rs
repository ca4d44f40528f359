//! Tests of several parts together.

mod fido;
