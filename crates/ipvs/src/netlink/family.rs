//! The number that the running kernel gave the family.

use netlink::{Conversation, Error as NetlinkError, Request, Transport};
use netlink_packet_core::{DecodeError, Emitable, ParseableParametrized, parse_u16};
use netlink_packet_generic::constants::{
    CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME, CTRL_CMD_GETFAMILY, GENL_ID_CTRL,
};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};

use super::attributes::{Attributes, attributes};
use super::uapi::FAMILY_NAME;
use crate::error::Error;

/// Asks the kernel for the family. A kernel that can load modules by itself loads `ip_vs` for this question, because
/// the module has an alias for it; the question then takes as long as that.
pub fn look_up<T: Transport>(conversation: &mut Conversation<T>) -> Result<u16, Error> {
    let request = Request { flags: 0, message: GenlMessage::from_payload(Question) };
    let answers = conversation.request::<_, GenlMessage<FamilyNumber>>(&request);
    let answers = answers.map_err(|error| match error {
        NetlinkError::Refused(refusal) if refusal.errno == libc::ENOENT => Error::Missing,
        error => Error::Netlink(error),
    })?;
    answers.first().map(|answer| answer.payload.0).ok_or(Error::Incomplete("family number"))
}

#[derive(Debug)]
struct Question;

impl GenlFamily for Question {
    fn family_name() -> &'static str {
        "nlctrl"
    }

    fn family_id(&self) -> u16 {
        GENL_ID_CTRL
    }

    fn command(&self) -> u8 {
        CTRL_CMD_GETFAMILY
    }

    fn version(&self) -> u8 {
        1
    }
}

impl Emitable for Question {
    fn buffer_len(&self) -> usize {
        12
    }

    fn emit(&self, buffer: &mut [u8]) {
        let mut attributes = Attributes::default();
        attributes.text(CTRL_ATTR_FAMILY_NAME, FAMILY_NAME);
        buffer.copy_from_slice(&attributes.0);
    }
}

#[derive(Debug)]
struct FamilyNumber(u16);

impl ParseableParametrized<[u8], GenlHeader> for FamilyNumber {
    fn parse_with_param(bytes: &[u8], _: GenlHeader) -> Result<Self, DecodeError> {
        for attribute in attributes(bytes) {
            let (kind, value) = attribute?;
            if kind == CTRL_ATTR_FAMILY_ID {
                return Ok(Self(parse_u16(value)?));
            }
        }
        Err("the family has no number".into())
    }
}
