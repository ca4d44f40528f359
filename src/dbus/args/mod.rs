//! Arguments of calls: options, secrets, targets of submissions; and values of replies.

mod client_secret;
mod descriptor;
mod destination;
mod new_credential;
mod options;
mod source;
mod submission;
mod values;

pub(in crate::dbus) use client_secret::read as read_client_secret;
pub(in crate::dbus) use descriptor::{DESCRIPTORS_PER_CALLER, Passed, Readers};
pub(in crate::dbus) use destination::Destination;
pub(in crate::dbus) use new_credential::NewOptions;
pub(in crate::dbus) use options::{Common, Options};
pub(in crate::dbus) use submission::{
    DeviceName, endpoint, explain, find_profile, is_wrong_clock, other_region, policy, profile_query, target,
};
pub(in crate::dbus) use values::{Map, put_text, variant};
