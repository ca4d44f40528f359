//! Groups the attached devices into tokens.
//!
//! A token may be attached through several transports at once, for example as a smart card and as a HID device. It stays
//! the same token as long as one of its devices is attached.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::device::Device;
use super::snapshot::{Attached, DeviceKey, State};
use crate::oath::{ObjectId, TokenId};

/// The id of the token that a device with this identity belongs to. `others` are the attached devices.
///
/// Devices with the same identity on different transports are one token. On the same transport they are different tokens,
/// and the id of the second one ends with a number.
pub(super) fn assign_id(key: &DeviceKey, id: &TokenId, others: &BTreeMap<DeviceKey, Device>) -> TokenId {
    let taken: BTreeSet<_> = others
        .iter()
        .filter(|((transport, device), _)| *transport == key.0 && *device != key.1)
        .filter_map(|(_, device)| device.info.as_ref().map(|info| info.id.clone()))
        .collect();
    first_free(id, &taken)
}

fn first_free(id: &TokenId, taken: &BTreeSet<TokenId>) -> TokenId {
    let mut candidate = id.clone();
    let mut count = 1;
    while taken.contains(&candidate) {
        count += 1;
        candidate = id.duplicate(count);
    }
    candidate
}

/// All tokens, by id.
pub(super) fn view(devices: &BTreeMap<DeviceKey, Device>) -> BTreeMap<TokenId, Arc<Attached>> {
    let mut groups = BTreeMap::<TokenId, Vec<(&DeviceKey, &Device)>>::new();
    for (key, device) in devices {
        if let Some(info) = device.shown() {
            groups.entry(info.id).or_default().push((key, device));
        }
    }
    groups.into_iter().filter_map(|(id, group)| Some((id, Arc::new(attached(group)?)))).collect()
}

/// Builds one token from its devices, which are in the order of their transports. The first device in the best state
/// serves the token; of a card and a HID device in the same state, the HID device, because other programs use cards more.
fn attached(mut group: Vec<(&DeviceKey, &Device)>) -> Option<Attached> {
    // The sort is stable.
    group.sort_by_key(|(_, device)| (rank(&device.state), device.has_reader()));
    let (_, serving) = group.first()?;
    let info = serving.shown()?;
    let mut by_transport = group.clone();
    by_transport.sort_by_key(|(key, _)| *key);
    let credentials = serving.listed.credentials.iter();
    Some(Attached {
        state: serving.state.clone(),
        credentials: credentials.map(|one| (ObjectId::new(&info.id, &one.name), one.clone())).collect(),
        may_hide_more: serving.listed.may_hide_more,
        token: serving.token.clone(),
        standby: group.iter().skip(1).map(|(_, device)| device.token.clone()).collect(),
        transports: by_transport.iter().map(|(_, device)| device.transport).collect(),
        devices: by_transport.iter().map(|(key, _)| (*key).clone()).collect(),
        info,
    })
}

/// Devices with a lower rank serve their token first.
fn rank(state: &State) -> u8 {
    match state {
        State::Ready => 0,
        State::Locked => 1,
        State::Reading => 2,
        State::Busy => 3,
        State::Error(_) => 4,
        State::NoOath => 5,
        State::Stuck => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_report_one_identity_on_one_transport_are_numbered() {
        let id = TokenId::new("ykoath", "a");
        let mut taken = BTreeSet::new();
        for expected in ["ykoath_a", "ykoath_a_2", "ykoath_a_3"] {
            let free = first_free(&id, &taken);
            assert_eq!(free.as_str(), expected);
            taken.insert(free);
        }
    }
}
