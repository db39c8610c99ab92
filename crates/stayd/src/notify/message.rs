//! What is told of a change of state: the words for scripts, pipes and mails.
//!
//! **These words are a contract**: programs that were written for keepalived read them.

use vrrp::Subject;

/// What arguments and pipes call it, and its name.
fn kind_and_name(subject: &Subject) -> (&'static str, &str) {
    match subject {
        Subject::Instance(name) => ("INSTANCE", name),
        Subject::Group(name) => ("GROUP", name),
    }
}

/// What mails call it.
fn title(subject: &Subject) -> String {
    match subject {
        Subject::Instance(name) => format!("VRRP Instance {name}"),
        Subject::Group(name) => format!("VRRP Group {name}"),
    }
}

/// What happened to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Occasion {
    /// It entered MASTER.
    Master,
    /// It entered BACKUP.
    Backup,
    /// It entered FAULT.
    Fault,
    /// The daemon stops.
    Stop,
    /// A reload removed it.
    Deleted,
    /// As master it heard an advert of lower priority.
    RxLowerPriority,
    /// Its priority changed while it is master.
    MasterPriority,
    /// Its priority changed while it is not.
    BackupPriority,
}

impl Occasion {
    /// The word for it in arguments and pipes.
    const fn word(self) -> &'static str {
        match self {
            Self::Master => "MASTER",
            Self::Backup => "BACKUP",
            Self::Fault => "FAULT",
            Self::Stop => "STOP",
            Self::Deleted => "DELETED",
            Self::RxLowerPriority => "MASTER_RX_LOWER_PRI",
            Self::MasterPriority => "MASTER_PRIORITY",
            Self::BackupPriority => "BACKUP_PRIORITY",
        }
    }
}

/// One notification.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Of what.
    pub subject: Subject,
    /// What happened.
    pub occasion: Occasion,
    /// Its effective priority; 0 for a group.
    pub priority: u8,
}

impl Message {
    /// What a `notify` command gets after its own arguments.
    pub fn arguments(&self) -> [String; 4] {
        let (kind, name) = kind_and_name(&self.subject);
        let [kind, name, state] = [kind, name, self.occasion.word()].map(str::to_owned);
        [kind, name, state, self.priority.to_string()]
    }

    /// The line for a pipe.
    pub fn line(&self) -> String {
        let (kind, name) = kind_and_name(&self.subject);
        format!("{kind} \"{name}\" {} {}\n", self.occasion.word(), self.priority)
    }

    /// The subject of a mail after `[router_id] `, and what it says; `None` for what is not mailed.
    pub fn mail(&self) -> Option<(String, String)> {
        let word = self.occasion.word();
        let subject = match self.occasion {
            Occasion::Master | Occasion::Backup | Occasion::Fault => format!("Entering {word} state"),
            Occasion::Stop => "Stopping".to_owned(),
            Occasion::Deleted => "Deleted".to_owned(),
            Occasion::RxLowerPriority | Occasion::MasterPriority | Occasion::BackupPriority => return None,
        };
        let body = match (&self.subject, self.occasion) {
            (Subject::Instance(_), Occasion::Master) => {
                "This router holds the virtual addresses now.".to_owned()
            }
            (Subject::Instance(_), _) => "This router does not hold the virtual addresses.".to_owned(),
            (Subject::Group(_), Occasion::Stop | Occasion::Deleted) => {
                "All instances of the group have left.".to_owned()
            }
            (Subject::Group(_), _) => format!("All instances of the group are in state {word} now."),
        };
        Some((format!("{} - {subject}", title(&self.subject)), body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(occasion: Occasion) -> Message {
        Message { subject: Subject::Instance("VI 1".into()), occasion, priority: 100 }
    }

    fn group(occasion: Occasion) -> Message {
        Message { subject: Subject::Group("G".into()), occasion, priority: 0 }
    }

    #[test]
    fn a_command_gets_kind_name_state_and_priority() {
        assert_eq!(instance(Occasion::Master).arguments(), ["INSTANCE", "VI 1", "MASTER", "100"]);
        assert_eq!(group(Occasion::Stop).arguments(), ["GROUP", "G", "STOP", "0"]);
    }

    #[test]
    fn a_pipe_gets_the_same_with_the_name_in_quotes() {
        assert_eq!(instance(Occasion::Fault).line(), "INSTANCE \"VI 1\" FAULT 100\n");
        assert_eq!(group(Occasion::Backup).line(), "GROUP \"G\" BACKUP 0\n");
        assert_eq!(instance(Occasion::RxLowerPriority).line(), "INSTANCE \"VI 1\" MASTER_RX_LOWER_PRI 100\n");
        assert_eq!(instance(Occasion::BackupPriority).line(), "INSTANCE \"VI 1\" BACKUP_PRIORITY 100\n");
    }

    #[test]
    fn the_subjects_of_mails_are_keepalived_s() {
        let subject = |message: Message| message.mail().map(|(subject, _)| subject);
        assert_eq!(
            subject(instance(Occasion::Master)).as_deref(),
            Some("VRRP Instance VI 1 - Entering MASTER state")
        );
        assert_eq!(subject(instance(Occasion::Stop)).as_deref(), Some("VRRP Instance VI 1 - Stopping"));
        assert_eq!(subject(instance(Occasion::Deleted)).as_deref(), Some("VRRP Instance VI 1 - Deleted"));
        assert_eq!(subject(group(Occasion::Fault)).as_deref(), Some("VRRP Group G - Entering FAULT state"));
        assert_eq!(subject(instance(Occasion::MasterPriority)), None);
    }
}
