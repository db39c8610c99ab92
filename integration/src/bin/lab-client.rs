//! The AMQP client of the lab's stories.
//!
//! It publishes numbered messages to a quorum queue, one every 20 ms, each with a confirm, and consumes the same queue.
//! **It never gives up and never waits long**: whatever goes wrong with a connection, such as no confirm for a second,
//! it drops the connection, says so in the journal, and makes a new one. A message that was not confirmed is published
//! again under its old number. On SIGTERM it stops publishing, fetches what is left, and ends.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::Parser;
use futures_util::StreamExt as _;
use lab::client::{DRAIN_LIMIT, Entry, Event};
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions};
use lapin::options::{ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Between two messages.
const PACE: Duration = Duration::from_millis(20);

/// Longer than this, a connection, an answer or a confirm does not take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Before the next attempt at a connection.
const PAUSE: Duration = Duration::from_millis(50);

const QUEUE: &str = "stayd-lab";

/// What went wrong with a connection.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Publishes and consumes without pause.
#[derive(Parser)]
struct Args {
    /// Address and port of the server.
    #[arg(long)]
    server: String,
    /// The file for the journal.
    #[arg(long)]
    journal: PathBuf,
}

/// What outlives a connection.
struct Client {
    journal: Mutex<File>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number of the message that is to be confirmed next.
    next: u64,
    confirmed: BTreeSet<u64>,
    consumed: BTreeSet<u64>,
    stopping: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let client = Client { journal: Mutex::new(File::create(&args.journal)?), state: Mutex::default() };
    let mut stop = signal(SignalKind::terminate())?;
    let serve = async {
        loop {
            // A session only ends by failing.
            if let Err(why) = session(&client, &args.server).await {
                client.note(Event::Lost { why: why.to_string() })?;
            }
            sleep(PAUSE).await;
        }
    };
    let end = async {
        stop.recv().await;
        client.with(|state| state.stopping = true);
        let deadline = Instant::now() + DRAIN_LIMIT;
        while Instant::now() < deadline && !client.with(|state| state.confirmed.is_subset(&state.consumed)) {
            sleep(PACE).await;
        }
    };
    let result: Result<(), Failure> = tokio::select! {
        never = serve => never,
        () = end => client.note(Event::Stopped),
    };
    result?;
    // A connection on its way has threads of its own that nobody waits for.
    std::process::exit(0)
}

impl Client {
    fn note(&self, event: Event) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(&Entry { at: lab::now(), event })?;
        line.push(b'\n');
        Ok(self.journal.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)?)
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Works over one connection, for as long as it is good.
async fn session(client: &Client, server: &str) -> Result<(), Failure> {
    let patience = PATIENCE.as_millis();
    let uri = format!("amqp://guest:guest@{server}/%2f?heartbeat=1&connection_timeout={patience}");
    let connection = timeout(PATIENCE, Connection::connect(&uri, ConnectionProperties::default())).await??;
    let (publisher, consumer) = timeout(2 * PATIENCE, prepare(&connection)).await??;
    client.note(Event::Connected)?;
    tokio::select! {
        result = publish(client, &publisher) => result,
        result = consume(client, consumer) => result,
    }
}

/// Declares the queue, on a channel with confirms, and subscribes to it on another one.
async fn prepare(connection: &Connection) -> Result<(Channel, lapin::Consumer), Failure> {
    let publisher = connection.create_channel().await?;
    publisher.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut arguments = FieldTable::default();
    // A classic queue would be gone with its node.
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    publisher.queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), arguments).await?;
    let receiver = connection.create_channel().await?;
    receiver.basic_qos(100, BasicQosOptions::default()).await?;
    let tag = "lab-client".into();
    let options = BasicConsumeOptions::default();
    Ok((publisher, receiver.basic_consume(QUEUE.into(), tag, options, FieldTable::default()).await?))
}

async fn publish(client: &Client, channel: &Channel) -> Result<(), Failure> {
    let mut due = Instant::now();
    loop {
        sleep_until(due).await;
        due = Instant::now().max(due + PACE);
        let Some(id) = client.with(|state| (!state.stopping).then_some(state.next)) else { continue };
        let text = id.to_string();
        let options = BasicPublishOptions::default();
        let properties = BasicProperties::default().with_delivery_mode(2);
        let confirm = async {
            channel.basic_publish("".into(), QUEUE.into(), options, text.as_bytes(), properties).await?.await
        };
        if !timeout(PATIENCE, confirm).await??.is_ack() {
            return Err("the broker refuses a message".into());
        }
        client.note(Event::Confirmed { id })?;
        client.with(|state| {
            state.confirmed.insert(id);
            state.next = id + 1;
        });
    }
}

async fn consume(client: &Client, mut consumer: lapin::Consumer) -> Result<(), Failure> {
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        let id = std::str::from_utf8(&delivery.data)?.parse()?;
        client.note(Event::Consumed { id })?;
        client.with(|state| state.consumed.insert(id));
        delivery.ack(BasicAckOptions::default()).await?;
    }
    Err("the subscription has ended".into())
}
