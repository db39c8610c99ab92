//! `use_vmac` and `use_ipvlan`: an interface of the instance's own.

use std::net::IpAddr;

use vrrp::{Family, IpvlanMode, VirtualRouterId, VmacKind, VmacSpec};

use super::Lowering;
use super::instance::Draft;
use crate::diagnostic::{Code, Diagnostic};
use crate::keyword::parse_integer;
use crate::lex::Word;
use crate::resolve::Entry;
use crate::source::Span;

/// The start of the MAC addresses of RFC 9568 7.3, which are not for others.
const VRRP_PREFIX: [u8; 4] = [0x00, 0x00, 0x5e, 0x00];
/// Longest name of an interface.
const MAX_NAME: usize = 15;

/// What a line says; the rest depends on the instance.
pub struct VmacDraft {
    /// Its keyword.
    pub span: Span,
    name: Option<String>,
    kind: Kind,
    group: u32,
    netlink_notify: bool,
}

enum Kind {
    /// With this MAC address; of five bytes the VRID is the last.
    Macvlan(Option<Vec<u8>>),
    Ipvlan(IpvlanMode, Option<(IpAddr, u8)>),
}

impl VmacDraft {
    fn new(entry: &Entry<'_>, kind: Kind) -> Self {
        Self { span: entry.word.span, name: None, kind, group: 0, netlink_notify: false }
    }

    /// Whether it is a macvlan.
    pub const fn is_macvlan(&self) -> bool {
        matches!(self.kind, Kind::Macvlan(_))
    }

    /// Whether it is an ipvlan without an address of its own.
    pub const fn lacks_address(&self) -> bool {
        matches!(self.kind, Kind::Ipvlan(_, None))
    }
}

impl Lowering<'_> {
    /// `[[name] INTERFACE] [MAC] [group N] [netlink_notify_msg]`.
    pub(super) fn vmac(&mut self, instance: &str, entry: &Entry<'_>) -> VmacDraft {
        let mut draft = VmacDraft::new(entry, Kind::Macvlan(None));
        let mut words = entry.args().iter().peekable();
        while let Some(word) = words.next() {
            match word.text.as_str() {
                "netlink_notify_msg" => draft.netlink_notify = true,
                "group" => draft.group = self.interface_group(word, words.next()).unwrap_or(draft.group),
                // Before release 2.3 a last `name` is a name itself.
                "name" if words.peek().is_some() => {}
                text if text.split(':').count() >= 5 => {
                    if let Some(mac) = self.mac(word) {
                        draft.kind = Kind::Macvlan(Some(mac));
                    }
                }
                _ => self.vmac_name(&mut draft, instance, word),
            }
        }
        draft
    }

    /// `[bridge|private|vepa] [ADDRESS] [[name] INTERFACE] [group N]`.
    pub(super) fn ipvlan(&mut self, instance: &mut Draft, entry: &Entry<'_>) -> VmacDraft {
        let (mut mode, mut address) = (IpvlanMode::Bridge, None);
        let mut draft = VmacDraft::new(entry, Kind::Ipvlan(mode, None));
        let mut words = entry.args().iter().peekable();
        while let Some(word) = words.next() {
            match word.text.as_str() {
                "bridge" => mode = IpvlanMode::Bridge,
                "private" => mode = IpvlanMode::Private,
                "vepa" => mode = IpvlanMode::Vepa,
                "group" => draft.group = self.interface_group(word, words.next()).unwrap_or(draft.group),
                "name" if words.peek().is_some() => {}
                text => match text.split('/').next().and_then(|text| text.parse::<IpAddr>().ok()) {
                    Some(own) => {
                        let most = if own.is_ipv4() { 32 } else { 128 };
                        let length = text.split_once('/').map(|(_, length)| length);
                        if self.family_fits(instance, own, word.span) {
                            address = Some((own, self.prefix_length(word, length, most)));
                        }
                    }
                    None => self.vmac_name(&mut draft, &instance.name, word),
                },
            }
        }
        draft.kind = Kind::Ipvlan(mode, address);
        draft
    }

    fn vmac_name(&mut self, draft: &mut VmacDraft, instance: &str, word: &Word) {
        let message = if draft.name.is_some() {
            "a second name of an interface".to_owned()
        } else if word.text.len() > MAX_NAME {
            format!("`{}` is longer than the {MAX_NAME} bytes that a name may have", word.text)
        } else if let Some(other) = self.vmacs.get(word.text.as_str()) {
            format!("the instance `{other}` has the interface `{}` already", word.text)
        } else {
            draft.name = Some(word.text.to_string());
            self.vmacs.insert(word.text.to_string(), instance.to_owned());
            return;
        };
        let diagnostic = Diagnostic::warning(Code::BadValue, word.span, message).label("ignored");
        self.report(diagnostic.hint("give each interface one name of its own, or none"));
    }

    /// A MAC address of six bytes, or of five to which the VRID is added.
    fn mac(&mut self, word: &Word) -> Option<Vec<u8>> {
        let bytes: Option<Vec<_>> =
            word.text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
        let Some(bytes) = bytes.filter(|bytes| matches!(bytes.len(), 5 | 6)) else {
            let message = format!("`{}` is not a MAC address", word.text);
            self.report(Diagnostic::warning(Code::BadValue, word.span, message).label("ignored"));
            return None;
        };
        if bytes.starts_with(&VRRP_PREFIX) {
            let message = format!("`{}` is one of the MAC addresses that VRRP gives out itself", word.text);
            let diagnostic = Diagnostic::warning(Code::Conflict, word.span, message)
                .label("ignored")
                .hint("leave it out: the instance gets the one of its virtual_router_id");
            self.report(diagnostic);
            return None;
        }
        Some(bytes)
    }

    /// `group N`: a number, or a name of iproute2's group file.
    fn interface_group(&mut self, option: &Word, value: Option<&Word>) -> Option<u32> {
        let Some(value) = value else {
            self.missing_option_value(option);
            return None;
        };
        let number = parse_integer(&value.text).and_then(|number| u32::try_from(number).ok());
        let group = number.or_else(|| self.group_number(&value.text));
        if group.is_none() {
            let message =
                format!("`group` takes a number or a name of an interface group, not `{}`", value.text);
            self.report(Diagnostic::warning(Code::BadValue, value.span, message).label("ignored"));
        }
        group
    }

    /// The interface with everything filled in.
    pub(super) fn complete_vmac(
        &mut self,
        draft: &mut Draft,
        vrid: VirtualRouterId,
        family: Family,
    ) -> Option<VmacSpec> {
        let vmac = draft.vmac.take()?;
        let name = vmac.name.unwrap_or_else(|| self.automatic_name(&draft.name, vrid, family));
        let kind = match vmac.kind {
            Kind::Macvlan(None) => VmacKind::standard(family, vrid),
            Kind::Macvlan(Some(bytes)) => {
                let mut mac = [vrid.get(); 6];
                mac.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
                VmacKind::Macvlan(mac)
            }
            Kind::Ipvlan(mode, address) => {
                // Its own address is where adverts come from.
                draft.source = draft.source.or(address.map(|(address, _)| address));
                VmacKind::Ipvlan { mode, address }
            }
        };
        Some(VmacSpec {
            name,
            kind,
            group: vmac.group,
            transmit_on_base: draft.vmac_xmit_base.is_some(),
            netlink_notify: vmac.netlink_notify,
        })
    }

    /// `vrrp.51`, or where another instance has that `vrrp6.51` (IPv6), `vrrp1.51` and so on.
    fn automatic_name(&mut self, instance: &str, vrid: VirtualRouterId, family: Family) -> String {
        let prefix = self.model.globals.vrrp.vmac_prefix.as_deref().unwrap_or("vrrp");
        let names = std::iter::once(format!("{prefix}.{vrid}"))
            .chain((family == Family::V6).then(|| format!("{prefix}6.{vrid}")))
            .chain((1..u32::MAX).map(|number| format!("{prefix}{number}.{vrid}")));
        let mut free = names.filter(|name| !self.vmacs.contains_key(name));
        let name = free.next().unwrap_or_default();
        drop(free);
        self.vmacs.insert(name.clone(), instance.to_owned());
        name
    }
}
