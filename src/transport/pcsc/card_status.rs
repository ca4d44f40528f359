//! What the smart card service says of a connected card.

use pcsc::Protocol;

/// What the service says of a card. Each question costs four messages to the service, which is as much as a command.
pub(super) struct CardStatus {
    /// Whether the card uses the protocol T=0.
    pub(super) is_t0: bool,
    pub(super) answer_to_reset: Vec<u8>,
    /// Whether the card has carried out a command since the question.
    pub(super) is_proved: bool,
}

impl CardStatus {
    pub(super) fn ask(card: &pcsc::Transaction<'_>) -> Result<Self, pcsc::Error> {
        let status = card.status2_owned()?;
        let is_t0 = status.protocol2() == Some(Protocol::T0);
        Ok(Self { is_t0, answer_to_reset: status.atr().to_vec(), is_proved: false })
    }
}
