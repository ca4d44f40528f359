//! The attribute `testkit::test`.

use proc_macro::TokenStream;
use quote::quote;
use syn::{ItemFn, parse_macro_input};

/// Makes a test of an `async fn`, as `tokio::test` does, that runs in a process of its own. The environment of that
/// process leads to the smart card service, the system bus and the credentials of this test alone.
#[proc_macro_attribute]
pub fn test(_: TokenStream, function: TokenStream) -> TokenStream {
    let ItemFn { attrs, sig, block, .. } = parse_macro_input!(function as ItemFn);
    let name = &sig.ident;
    quote! {
        #[::core::prelude::v1::test]
        #(#attrs)*
        fn #name() {
            ::testkit::own_process::run_async(concat!(module_path!(), "::", stringify!(#name)), async #block);
        }
    }
    .into()
}
