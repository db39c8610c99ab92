//! The router's picture of all interfaces, by name and by number.

use std::collections::BTreeMap;

use crate::link::{IfIndex, LinkView};

/// All interfaces as last reported. **A name belongs to one interface at a time, and a number to one name.**
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Links {
    views: BTreeMap<String, LinkView>,
    names: BTreeMap<IfIndex, String>,
}

impl Links {
    /// Takes in the newest view of one interface. Returns the names whose meaning may have changed: its own, and its
    /// former one if it was renamed.
    pub(crate) fn set(&mut self, view: LinkView) -> Vec<String> {
        let mut changed = vec![view.name.clone()];
        if let Some(former) = self.names.insert(view.index, view.name.clone())
            && former != view.name
        {
            self.views.remove(&former);
            changed.push(former);
        }
        // Whoever had the name before is gone or renamed; its own report may still be on the way.
        if let Some(before) = self.views.get(&view.name)
            && before.index != view.index
        {
            self.names.remove(&before.index);
        }
        self.views.insert(view.name.clone(), view);
        changed
    }

    /// Forgets an interface. Returns its name.
    pub(crate) fn remove(&mut self, index: IfIndex) -> Option<String> {
        let name = self.names.remove(&index)?;
        self.views.remove(&name);
        Some(name)
    }

    /// The numbers known now.
    pub(crate) fn indices(&self) -> impl Iterator<Item = IfIndex> {
        self.names.keys().copied()
    }

    /// The interface of this number.
    pub(crate) fn numbered(&self, index: IfIndex) -> Option<&LinkView> {
        self.views.get(self.names.get(&index)?)
    }

    /// The interface of this name.
    pub(crate) fn named(&self, name: &str) -> Option<&LinkView> {
        self.views.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(index: u32, name: &str) -> LinkView {
        let index = IfIndex::new(index).unwrap();
        LinkView { index, name: name.into(), up: true, arp: true, mac: vec![], addresses: vec![] }
    }

    #[test]
    fn a_renamed_interface_is_found_under_its_new_name_only() {
        let mut links = Links::default();
        links.set(view(2, "eth0"));
        assert_eq!(links.set(view(2, "lan0")), ["lan0", "eth0"]);
        assert!(links.named("eth0").is_none());
        assert_eq!(links.named("lan0").unwrap().index.get(), 2);
    }

    #[test]
    fn the_late_end_of_an_interface_does_not_take_its_successor_of_the_same_name() {
        let mut links = Links::default();
        links.set(view(2, "eth0"));
        links.set(view(7, "eth0"));
        assert_eq!(links.remove(IfIndex::new(2).unwrap()), None);
        assert_eq!(links.named("eth0").unwrap().index.get(), 7);
    }
}
