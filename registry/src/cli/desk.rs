//! What every command that talks to the registry has at hand, and what changes have in common.

use axum::http::HeaderName;
use clap::Args;
use serde_json::Value;

use super::{
    client::{Ask, Client, Reply},
    connection::Connection,
    console::Console,
    failure::Failure,
    moment,
    output::{Format, OutputArguments, print_json},
};

/// The options of every command that talks to the registry.
#[derive(Debug, Args)]
pub(super) struct Common {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: OutputArguments,
}

impl Common {
    pub(super) const fn format(&self) -> Format {
        self.output.output
    }

    pub(super) fn open<'a, 'w>(
        &self,
        console: &'a mut Console<'w>,
    ) -> Result<Desk<'a, 'w>, Failure> {
        Ok(Desk {
            client: self.connection.open(console)?,
            format: self.format(),
            console,
        })
    }
}

/// What a command works with.
pub(super) struct Desk<'a, 'w> {
    pub(super) client: Client,
    pub(super) format: Format,
    pub(super) console: &'a mut Console<'w>,
}

/// How long to wait for gateways after a change.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct Wait {
    /// Wait so many seconds at most (to 30) until every gateway has the change, and say how far it came
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=30), help_heading = None::<&'static str>)]
    wait: Option<u32>,
}

impl Wait {
    /// Asks the registry to wait.
    pub(super) fn on(self, ask: Ask) -> Result<Ask, Failure> {
        match self.wait {
            None => Ok(ask),
            Some(seconds) => ask.header(
                HeaderName::from_static("prefer"),
                &format!("wait={seconds}"),
            ),
        }
    }
}

impl Desk<'_, '_> {
    /// Prints a list: JSON as one array, or what `table` makes of it.
    pub(super) fn print_list(
        &mut self,
        items: Vec<Value>,
        table: impl FnOnce(&mut Console<'_>, &[Value]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => print_json(self.console, &Value::Array(items)),
            Format::Table => table(self.console, &items),
        }
    }

    /// Prints one thing: JSON as it came, or what `show` makes of it.
    pub(super) fn print_one(
        &mut self,
        value: &Value,
        show: impl FnOnce(&mut Console<'_>, &Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => print_json(self.console, value),
            Format::Table => show(self.console, value),
        }
    }

    /// Deletes what is at `path`, and says so.
    pub(super) fn delete(&mut self, path: &str, wait: Wait, done: &str) -> Result<(), Failure> {
        let reply = self.client.send(&wait.on(Ask::delete(path))?)?;
        self.report_done(&reply, done)
    }

    /// Says what was done, for answers that show nothing but how far a change came.
    pub(super) fn report_done(&mut self, reply: &Reply, done: &str) -> Result<(), Failure> {
        let body = reply.json()?;
        if self.format == Format::Json {
            return print_json(self.console, &body);
        }
        self.console.line(done)?;
        print_propagation(self.console, &body)
    }
}

/// How far a change came, in one line; nothing where the answer does not say.
pub(super) fn print_propagation(console: &mut Console<'_>, answer: &Value) -> Result<(), Failure> {
    let Some(line) = propagation(answer, console) else {
        return Ok(());
    };
    console.line(line)
}

/// How far a change came, of an answer that says so.
fn propagation(answer: &Value, console: &Console<'_>) -> Option<String> {
    let receipt = answer
        .get("propagation")
        .filter(|value| value.is_object())?;
    describe_receipt(receipt, console)
}

/// `applied by 12 of 12 gateways after 48 ms`.
pub(super) fn describe_receipt(receipt: &Value, console: &Console<'_>) -> Option<String> {
    let number = |name: &str| receipt.get(name).and_then(Value::as_u64);
    let (applied, of) = (number("applied")?, number("of")?);
    if of == 0 {
        return Some("no gateway follows".to_owned());
    }
    let after = number("after_ms").map_or_else(String::new, |after| format!(" after {after} ms"));
    let is_unbounded = receipt.get("unbounded") == Some(&Value::Bool(true));
    let until = receipt.get("may_admit_until").and_then(Value::as_str);
    let rest = match until {
        _ if applied == of => String::new(),
        _ if is_unbounded => "; the others may admit until they hear of it".to_owned(),
        Some(until) => {
            let relative = moment::relative(until, console.clock.now());
            format!("; the others may admit until {until} ({relative})")
        }
        None => String::new(),
    };
    Some(format!(
        "applied by {applied} of {of} gateways{after}{rest}"
    ))
}
