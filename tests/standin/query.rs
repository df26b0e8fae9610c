//! The AWS Query protocol: form parameters in, XML out.

use super::Target;

pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub fn parse(body: &[u8]) -> Parameters {
        Parameters(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The value, or nothing.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// `Targets.member.N.Id`, `.Port`, `.AvailabilityZone`.
    pub fn targets(&self) -> Vec<Target> {
        let field = |i: usize, name: &str| self.get(&format!("Targets.member.{i}.{name}")).to_owned();
        (1..)
            .map(|i| (field(i, "Id"), field(i, "Port"), field(i, "AvailabilityZone")))
            .take_while(|(id, ..)| !id.is_empty())
            .map(|(id, port, zone)| Target { id, port, zone: (!zone.is_empty()).then_some(zone), state: String::new() })
            .collect()
    }
}

pub fn element(name: &str, content: &str) -> String {
    ["<", name, ">", content, "</", name, ">"].concat()
}

pub fn list(name: &str, member: &str, items: impl IntoIterator<Item = String>) -> String {
    element(name, &items.into_iter().map(|item| element(member, &item)).collect::<String>())
}

pub fn response(action: &str, result: &str) -> String {
    let metadata = element("ResponseMetadata", &element("RequestId", "00000000-0000-0000-0000-000000000000"));
    element(&format!("{action}Response"), &(element(&format!("{action}Result"), result) + &metadata))
}

pub fn failure(code: &str, message: &str) -> String {
    let error = element("Type", "Sender") + &element("Code", code) + &element("Message", message);
    element("ErrorResponse", &(element("Error", &error) + &element("RequestId", "00000000-0000-0000-0000-000000000000")))
}
