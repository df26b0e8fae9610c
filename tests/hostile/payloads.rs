//! Payloads as proptest strategies: the files of events/, changed in many ways, and any JSON at all.

use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::standin::events::{file, files};

/// Words that mean something to the parser, or to parsers in general.
#[rustfmt::skip]
const WORDS: [&str; 30] = [
    "RDS-EVENT-0069", "RDS-EVENT-0070", "RDS-EVENT-0071", "RDS-EVENT-0072", "RDS-EVENT-0073", "RDS-EVENT-9999", "#", ": ", ".",
    ": aurora-1", ": aurora-2", "aurora-1", "AURORA-2", "aurora-3", "aurora-9", "aurora-prod", "billing", "10.9.9.9",
    "2026-03-14 03:12:19.000", "2026-03-14 03:12:07.412", "9999-12-31 23:59:60", "-262143-01-01 00:00:00", "1970-01-01T00:00:00Z",
    "aws.rds", "aws.events", "reconcile", "\u{0}", "\u{feff}", "💥", "\n",
];

/// A file of events/, changed one to six times, mostly in the notification inside its SNS message.
pub fn bent() -> impl Strategy<Value = Value> {
    (payload(), vec((any::<[bool; 2]>(), change()), 1..=6)).prop_map(|(mut payload, changes)| {
        for ([in_message, in_message_too], change) in changes {
            if in_message || in_message_too { change.apply_to_message(&mut payload) } else { change.apply(&mut payload) }
        }
        payload
    })
}

#[derive(Clone, Debug)]
enum Change {
    /// Anything anywhere.
    Put(Index, Value),
    Remove(Index),
    /// A text is cut, a word is put there, and what stood behind it follows or does not.
    Text {
        place: Index,
        cut: Index,
        word: &'static str,
        goes_on: bool,
    },
    /// The same with the bytes of the whole.
    Bytes {
        cut: Index,
        bytes: Vec<u8>,
        goes_on: bool,
    },
    /// The records of another payload follow.
    Join(Value),
}

fn payload() -> impl Strategy<Value = Value> {
    select(files().iter().map(|name| file(name)).collect::<Vec<_>>())
}

fn change() -> impl Strategy<Value = Change> {
    let text = (any::<Index>(), any::<Index>(), select(&WORDS[..]), any::<bool>());
    let bytes = (any::<Index>(), vec(any::<u8>(), 0..8), any::<bool>());
    prop_oneof![
        2 => (any::<Index>(), anything()).prop_map(|(place, value)| Change::Put(place, value)),
        2 => any::<Index>().prop_map(Change::Remove),
        6 => text.prop_map(|(place, cut, word, goes_on)| Change::Text { place, cut, word, goes_on }),
        1 => bytes.prop_map(|(cut, bytes, goes_on)| Change::Bytes { cut, bytes, goes_on }),
        1 => payload().prop_map(Change::Join),
    ]
}

impl Change {
    fn apply_to_message(&self, payload: &mut Value) {
        let text = payload.pointer_mut("/Records/0/Sns/Message");
        let notification = text.as_deref().and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
        let (Some(text), Some(mut notification)) = (text, notification) else { return self.apply(payload) };
        self.apply(&mut notification);
        *text = notification.to_string().into();
    }

    fn apply(&self, payload: &mut Value) {
        match self {
            Change::Put(place, value) => *at(place, payload) = value.clone(),
            Change::Remove(place) => remove(place, payload),
            Change::Text { place, cut, word, goes_on } => {
                if let Value::String(text) = at(place, payload) {
                    let (head, tail) = text.split_at(text.floor_char_boundary(cut.index(text.len() + 1)));
                    *text = [head, word, if *goes_on { tail } else { "" }].concat();
                }
            }
            Change::Bytes { cut, bytes, goes_on } => {
                let whole = payload.to_string().into_bytes();
                let (head, tail) = whole.split_at(cut.index(whole.len() + 1));
                let changed = [head, bytes, if *goes_on { tail } else { &[] }].concat();
                // What is not JSON any more the runtime hands on as a string.
                let text = || String::from_utf8_lossy(&changed).into_owned().into();
                *payload = serde_json::from_slice(&changed).unwrap_or_else(|_| text());
            }
            Change::Join(other) => match (payload.get_mut("Records"), other.get("Records")) {
                (Some(Value::Array(records)), Some(Value::Array(others))) => records.extend(others.iter().cloned()),
                _ => *payload = other.clone(),
            },
        }
    }
}

fn at<'a>(place: &Index, value: &'a mut Value) -> &'a mut Value {
    let places = places(value);
    value.pointer_mut(&places[place.index(places.len())]).unwrap()
}

fn remove(place: &Index, value: &mut Value) {
    let places = places(value);
    let Some((parent, key)) = places[place.index(places.len())].rsplit_once('/') else { return };
    if let Some(Value::Object(map)) = value.pointer_mut(parent) {
        map.remove(&key.replace("~1", "/").replace("~0", "~"));
    }
}

/// The JSON pointers of a value and all that is in it.
fn places(value: &Value) -> Vec<String> {
    let inside = |(key, value): (String, &Value)| places(value).into_iter().map(move |place| format!("/{key}{place}"));
    let escaped = |key: &String| key.replace('~', "~0").replace('/', "~1");
    let root = std::iter::once(String::new());
    match value {
        Value::Object(map) => root.chain(map.iter().map(|(key, value)| (escaped(key), value)).flat_map(inside)).collect(),
        Value::Array(list) => {
            root.chain(list.iter().enumerate().map(|(i, value)| (i.to_string(), value)).flat_map(inside)).collect()
        }
        _ => root.collect(),
    }
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => any_json(),
        8 => select(&WORDS[..]).prop_map(Value::from),
        1 => (0..100_000_usize).prop_map(|length| "x".repeat(length).into()),
        1 => (0..100).prop_map(|depth| (0..depth).fold(Value::Null, |inner, _| json!([inner]))),
    ]
}

pub fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    let key = prop_oneof!["Records|Sns|Message|Timestamp|source|detail|EventID|Event ID|Event Message|action|dry_run", ".*"];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(key.clone(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
