//! The root's `io.github.oathbridge.OathBridge1.Cognito`.

mod challenge;
mod verify;

use std::sync::Arc;

use zbus::message::Header;
use zbus::{OwnedObjectPath, interface};

use crate::dbus::args::Map;
use crate::dbus::bridge::Bridge;
use crate::dbus::error::Error;

pub(in crate::dbus) struct CognitoObject {
    pub(in crate::dbus) bridge: Arc<Bridge>,
}

#[interface(name = "io.github.oathbridge.OathBridge1.Cognito", introspection_docs = false)]
impl CognitoObject {
    #[zbus(out_args("status", "session", "extra"))]
    async fn verify_software_token(
        &self,
        credential: OwnedObjectPath,
        options: Map,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(String, String, Map), Error> {
        verify::verify(&self.bridge, &credential, options, &header).await
    }

    #[zbus(out_args("result"))]
    async fn respond_to_mfa_challenge(
        &self,
        credential: OwnedObjectPath,
        options: Map,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<Map, Error> {
        challenge::respond(&self.bridge, &credential, options, &header).await
    }
}
