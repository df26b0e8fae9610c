//! Changes a file of events/ at random, but in the same way for the same number.

use std::path::Path;

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// Words that mean something to the parser, or to parsers in general.
const WORDS: [&str; 28] = [
    "RDS-EVENT-0069",
    "RDS-EVENT-0070",
    "RDS-EVENT-0071",
    "RDS-EVENT-0072",
    "RDS-EVENT-0073",
    "RDS-EVENT-9999",
    "#",
    ": ",
    ".",
    "aurora-1",
    "AURORA-2",
    "aurora-3",
    "aurora-9",
    "aurora-prod",
    "billing",
    "10.9.9.9",
    "2026-03-14 03:12:19.000",
    "2026-03-14 03:12:07.412",
    "9999-12-31 23:59:60",
    "-262143-01-01 00:00:00",
    "1970-01-01T00:00:00Z",
    "aws.rds",
    "aws.events",
    "reconcile",
    "\u{0}",
    "\u{feff}",
    "💥",
    "\n",
];

/// The payloads of events/.
pub fn corpus() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()).collect()
}

pub struct Bender(Rng);

impl Bender {
    pub fn new(number: u64) -> Bender {
        Bender(Rng::with_seed(number))
    }

    /// One payload: a file of the corpus, bent one to six times.
    pub fn bend(&mut self, corpus: &[Value]) -> Value {
        let mut payload = corpus[self.0.usize(0..corpus.len())].clone();
        for _ in 0..self.0.u8(1..=6) {
            self.bend_once(&mut payload, corpus);
        }
        payload
    }

    fn bend_once(&mut self, payload: &mut Value, corpus: &[Value]) {
        match self.0.u8(0..10) {
            // The bytes, as far as they still are JSON afterwards; else as the runtime hands them on: a string.
            0 => {
                let mut bytes = payload.to_string().into_bytes();
                self.bend_bytes(&mut bytes);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                *payload = serde_json::from_slice(&bytes).unwrap_or(Value::String(text));
            }
            // A whole other payload inside, or beside it as one more record.
            1 => {
                let other = corpus[self.0.usize(0..corpus.len())].clone();
                if let (Some(Value::Array(records)), Some(Value::Array(others))) =
                    (payload.get_mut("Records"), other.get("Records"))
                {
                    records.extend(others.iter().cloned());
                } else {
                    *self.somewhere(payload) = other;
                }
            }
            2 => *self.somewhere(payload) = self.anything(),
            // The notification inside the SNS message, which is JSON within JSON.
            _ => self.bend_message(payload),
        }
    }

    fn bend_message(&mut self, payload: &mut Value) {
        let Some(text) = payload.pointer_mut("/Records/0/Sns/Message") else {
            *self.somewhere(payload) = self.anything();
            return;
        };
        let notification = text.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let Some(Value::Object(mut notification)) = notification else { return };
        let keys: Vec<_> = notification.keys().cloned().collect();
        if keys.is_empty() {
            return;
        }
        let key = keys[self.0.usize(0..keys.len())].clone();
        match self.0.u8(0..5) {
            0 => drop(notification.remove(&key)),
            1 => drop(notification.insert(key, self.anything())),
            _ => {
                let mut value = notification.get(&key).and_then(Value::as_str).unwrap_or_default().to_owned();
                self.bend_text(&mut value);
                notification.insert(key, value.into());
            }
        }
        *text = Value::Object(notification).to_string().into();
    }

    fn bend_text(&mut self, text: &mut String) {
        let word = WORDS[self.0.usize(0..WORDS.len())];
        let at = text.char_indices().map(|(at, _)| at).nth(self.0.usize(0..=text.len())).unwrap_or(text.len());
        match self.0.u8(0..5) {
            0 => text.insert_str(at, word),
            1 => text.truncate(at),
            2 => text.push_str(word),
            3 => *text = format!("{}: {word}", &text[..at]),
            _ => *text = text.repeat(self.0.usize(0..4)),
        }
    }

    fn bend_bytes(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.0.u8(1..8) {
            let at = self.0.usize(0..=bytes.len());
            match self.0.u8(0..4) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.0.u8(0..8),
                1 => bytes.truncate(at),
                2 => bytes.insert(at, self.0.u8(..)),
                _ => drop(bytes.splice(at..at, WORDS[self.0.usize(0..WORDS.len())].bytes())),
            }
        }
    }

    /// A random place in a value.
    fn somewhere<'a>(&mut self, value: &'a mut Value) -> &'a mut Value {
        let inside = match value {
            Value::Object(map) => map.len(),
            Value::Array(list) => list.len(),
            _ => 0,
        };
        if inside == 0 || self.0.u8(0..4) == 0 {
            return value;
        }
        let nth = self.0.usize(0..inside);
        let inner = match value {
            Value::Object(map) => map.values_mut().nth(nth),
            Value::Array(list) => list.get_mut(nth),
            _ => None,
        };
        self.somewhere(inner.unwrap())
    }

    fn anything(&mut self) -> Value {
        match self.0.u8(0..9) {
            0 => Value::Null,
            1 => self.0.bool().into(),
            2 => self.0.i64(..).into(),
            3 => f64::from_bits(self.0.u64(..)).into(),
            4 => json!([]),
            5 => Value::Object(Map::new()),
            6 => "x".repeat(self.0.usize(0..100_000)).into(),
            7 => (0..self.0.usize(1..100)).fold(Value::Null, |inner, _| json!([inner])),
            _ => WORDS[self.0.usize(0..WORDS.len())].into(),
        }
    }
}
