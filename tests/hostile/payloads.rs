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
    let change = (any::<[bool; 2]>(), any::<Index>(), change());
    (payload(), vec(change, 1..=6)).prop_map(|(mut payload, changes)| {
        for ([inside, inside_too], place, change) in changes {
            match message(&mut payload) {
                Some((text, mut notification)) if inside || inside_too => {
                    change.apply(&mut notification, &place);
                    *text = notification.to_string().into();
                }
                _ => change.apply(&mut payload, &place),
            }
        }
        payload
    })
}

fn payload() -> impl Strategy<Value = Value> {
    select(files().iter().map(|name| file(name)).collect::<Vec<_>>())
}

/// The SNS message, and the notification in it.
fn message(payload: &mut Value) -> Option<(&mut Value, Value)> {
    let text = payload.pointer_mut("/Records/0/Sns/Message")?;
    let notification = serde_json::from_str(text.as_str()?).ok()?;
    Some((text, notification))
}

#[derive(Clone, Debug)]
enum Change {
    Put(Value),
    Remove,
    /// The text is cut, this word is put there, and what stood behind it follows or does not.
    Cut(Index, &'static str, bool),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => anything().prop_map(Change::Put),
        2 => Just(Change::Remove),
        6 => (any::<Index>(), select(&WORDS[..]), any::<bool>()).prop_map(|(at, word, goes_on)| Change::Cut(at, word, goes_on)),
    ]
}

impl Change {
    fn apply(&self, payload: &mut Value, place: &Index) {
        let places = places(payload);
        let place = &places[place.index(places.len())];
        match self {
            Change::Put(value) => *payload.pointer_mut(place).unwrap() = value.clone(),
            Change::Remove => remove(payload, place),
            Change::Cut(at, word, goes_on) => {
                let value = payload.pointer_mut(place).unwrap();
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let (head, tail) = text.split_at(text.floor_char_boundary(at.index(text.len() + 1)));
                let text = [head, word, if *goes_on { tail } else { "" }].concat();
                // What is not a text is changed as JSON; if it is not JSON any more, it is a text from then on.
                *value = if value.is_string() { text.into() } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
            }
        }
    }
}

fn remove(payload: &mut Value, place: &str) {
    let (parent, key) = place.rsplit_once('/').unwrap_or_default();
    if let Some(Value::Object(map)) = payload.pointer_mut(parent) {
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
        2 => payload(),
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
