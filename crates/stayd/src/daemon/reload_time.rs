//! `reload_time_file`: a file that holds the time of a reload to come.
//!
//! **What makes no sense, or lies in the past, asks for nothing.**

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Days, Local, NaiveDateTime, NaiveTime, TimeZone, Utc};
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::os::fd::AsFd;
use tokio::sync::mpsc::UnboundedSender;

use super::Event;
use crate::ready;

/// How often a folder that is not there is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// When `text` says, seen from `now`: `HH:MM:SS` for the next time that it is so late, or with a date before it, of two or
/// four digits of the year; `Z` behind it means UTC instead of the time of this host.
pub fn parse(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    parse_in(text, now, &Local)
}

fn parse_in<Zone: TimeZone>(text: &str, now: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
    let text = text.trim();
    match text.strip_suffix('Z') {
        Some(text) => parse_as(text, now, &Utc),
        None => parse_as(text, now, zone),
    }
}

fn parse_as<Zone: TimeZone>(text: &str, now: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
    let at = |time: NaiveDateTime| Some(zone.from_local_datetime(&time).earliest()?.with_timezone(&Utc));
    if let Ok(time) = NaiveTime::parse_from_str(text, "%H:%M:%S") {
        let today = now.with_timezone(zone).date_naive();
        let days = [0, 1].into_iter().filter_map(|days| today.checked_add_days(Days::new(days)));
        return days.filter_map(|day| at(day.and_time(time))).find(|at| *at > now);
    }
    let short = text.find('-') == Some(2);
    let format = if short { "%y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    at(NaiveDateTime::parse_from_str(text, format).ok()?).filter(|at| *at > now)
}

/// Tells when the file may say something else, until the task is ended.
pub async fn watch(file: PathBuf, events: UnboundedSender<Event>) {
    loop {
        if events.send(Event::ReloadTime).is_err() {
            return;
        }
        if follow(&file, &events).await.is_err() {
            // The folder is not there.
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Until the folder is gone.
async fn follow(file: &Path, events: &UnboundedSender<Event>) -> std::io::Result<()> {
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let flags = AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVE | AddWatchFlags::IN_DELETE;
    inotify.add_watch(folder, flags)?;
    let ready = ready::watch(inotify.as_fd().try_clone_to_owned()?)?;
    // What was written before it was watched counts too.
    let mut news = true;
    loop {
        if news && events.send(Event::ReloadTime).is_err() {
            return Ok(());
        }
        ready.readable().await?.clear_ready();
        news = false;
        loop {
            match inotify.read_events() {
                Ok(read) => {
                    if read.iter().any(|event| event.mask.contains(AddWatchFlags::IN_IGNORED)) {
                        return Ok(());
                    }
                    news |= read.iter().any(|event| event.name.as_deref() == file.file_name());
                }
                Err(Errno::EAGAIN) => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;

    fn parsed(text: &str) -> Option<String> {
        let now = "2026-11-25T03:26:20Z".parse().unwrap();
        let zone = FixedOffset::east_opt(3600).unwrap();
        parse_in(text, now, &zone).map(|at| at.format("%F %T").to_string())
    }

    #[test]
    fn a_time_is_the_next_one_and_a_date_may_stand_before_it() {
        let cases = [
            ("04:26:23\n", "2026-11-25 03:26:23"),
            ("04:26:20", "2026-11-26 03:26:20"),
            ("03:26:21Z", "2026-11-25 03:26:21"),
            ("26-12-01 00:30:00", "2026-11-30 23:30:00"),
            ("2027-01-01 00:00:00Z", "2027-01-01 00:00:00"),
        ];
        for (text, expected) in cases {
            assert_eq!(parsed(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_past_or_no_time_asks_for_nothing() {
        for text in
            ["", "junk", "25:00:00", "2026-11-25 03:00:00Z", "20-01-01 00:00:00", "04:26", "04:26:23 x"]
        {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
