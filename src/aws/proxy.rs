//! Reads `HTTPS_PROXY` and `NO_PROXY`: the proxy for the calls to AWS.
//!
//! The SDK's own `ProxyConfig::from_env` is not what people know from curl and boto3: it prefers upper case, lets an empty variable
//! hide a set one, drops a bad value, and reads `HTTP_PROXY` and `ALL_PROXY` too.

use std::num::NonZeroU16;

use aws_smithy_http_client::proxy::ProxyConfig;

const EXPECTED: &str = "the http or https URL of a proxy, like http://proxy.example.com:3128, \
                        with special characters in user and password percent-encoded";

/// Returns the proxy for https endpoints if one is set. A lower-case variable wins; an empty one counts as unset.
///
/// # Errors
/// One line that names the variable, the value without user and password, and what was expected.
pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<ProxyConfig>, String> {
    let get = |name| variable(name).map(|value| (name, value.trim().to_owned())).filter(|(_, value)| !value.is_empty());
    let Some((name, value)) = get("https_proxy").or_else(|| get("HTTPS_PROXY")) else { return Ok(None) };
    let refusal = || format!("{name}=\"{}\": expected {EXPECTED}", without_userinfo(&value).replace(char::is_control, " "));
    let proxy = parse(&value).ok_or_else(refusal)?;
    let direct = get("no_proxy").or_else(|| get("NO_PROXY")).map(|(_, hosts)| hosts).unwrap_or_default();
    Ok(Some(proxy.no_proxy(without_wildcards(&direct))))
}

fn parse(value: &str) -> Option<ProxyConfig> {
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // Many leave an @ in a user or password unencoded; the SDK would end the password at the first one.
    let (userinfo, host) = match authority.rsplit_once('@') {
        Some((userinfo, host)) => (userinfo.replace('@', "%40") + "@", host),
        None => (String::new(), authority),
    };
    // An @ in the path means that what looks like the host begins a user or password with an unencoded slash.
    if path.contains('@') || !is_host_and_port(host) {
        return None;
    }
    ProxyConfig::https(format!("{scheme}://{userinfo}{host}")).ok()
}

/// `ProxyConfig` itself accepts an empty host before a port, and ignores a port that is not a number.
fn is_host_and_port(host: &str) -> bool {
    let is_valid = |name: &str, port: &str| !name.is_empty() && port.parse::<NonZeroU16>().is_ok();
    host.rsplit_once(':').is_none_or(|(name, port)| port.ends_with(']') || is_valid(name, port))
}

/// Everything before the last @ may be secret, except a scheme. So may be what precedes an @ that was encoded by mistake.
fn without_userinfo(value: &str) -> String {
    let value = value.replace("%40", "@");
    let Some((secret, host)) = value.rsplit_once('@') else { return value };
    match secret.split_once("://") {
        Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => format!("{scheme}://{host}"),
        _ => host.to_owned(),
    }
}

/// The SDK knows `.example.com`, but would ignore `*.example.com`.
fn without_wildcards(hosts: &str) -> String {
    let plain = |host: &str| host.trim().strip_prefix("*.").unwrap_or(host.trim()).to_owned();
    hosts.split(',').map(plain).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: Result<bool, &str> = Ok(true);
    const UNSET: Result<bool, &str> = Ok(false);

    fn read_from(variables: &[(&str, &str)]) -> Result<Option<ProxyConfig>, String> {
        read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_proxy_is_a_url_with_a_host_or_refused_without_its_password() {
        // The value; whether it sets a proxy, or how the refusal shows it.
        let table = [
            ("http://proxy:3128", SET),
            ("https://proxy.example.com", SET),
            ("HTTP://proxy:3128/", SET),
            ("proxy:3128", SET),
            ("10.0.0.1", SET),
            ("[2001:db8::1]", SET),
            ("http://[2001:db8::1]:3128", SET),
            (" http://user:secret@proxy:3128\n", SET),
            ("user:secret@proxy:3128", SET),
            ("http://us%40er:se%2Fcret@proxy:3128", SET),
            ("http://user:s@cret@proxy:3128", SET),
            ("", UNSET),
            (" ", UNSET),
            ("http://", Err("http://")),
            ("http://:3128", Err("http://:3128")),
            (":3128", Err(":3128")),
            ("//proxy:3128", Err("//proxy:3128")),
            ("http:/proxy", Err("http:/proxy")),
            ("http:proxy", Err("http:proxy")),
            ("http://proxy:", Err("http://proxy:")),
            ("http://proxy:0", Err("http://proxy:0")),
            ("http://proxy:65536", Err("http://proxy:65536")),
            ("http://proxy one:3128", Err("http://proxy one:3128")),
            ("http://proxy\n:3128", Err("http://proxy :3128")),
            ("ftp://proxy", Err("ftp://proxy")),
            ("socks5://user:secret@proxy:1080", Err("socks5://proxy:1080")),
            ("http://user:secret@", Err("http://")),
            ("http://user:secret@:3128", Err("http://:3128")),
            ("user:secret@proxy:port", Err("proxy:port")),
            ("http://user:s@cret@proxy:port", Err("http://proxy:port")),
            ("http://user:/secret@proxy:3128", Err("http://proxy:3128")),
            ("http://user:1/secret@proxy:3128", Err("http://proxy:3128")),
            ("http://user:#secret@proxy:3128", Err("http://proxy:3128")),
            ("http://user:s ecret@proxy:3128", Err("http://proxy:3128")),
            ("user:secret://@proxy:3128", Err("proxy:3128")),
            ("http://user:secret%40proxy:3128", Err("http://proxy:3128")),
        ];
        for name in ["HTTPS_PROXY", "https_proxy"] {
            for (value, expected) in table {
                let proxy = read_from(&[(name, value)]).map(|proxy| proxy.is_some());
                let expected = expected.map_err(|shown| format!("{name}=\"{shown}\": expected {EXPECTED}"));
                assert_eq!(proxy, expected, "{value:?}");
            }
        }
    }

    #[test]
    fn lower_case_wins_unless_it_is_empty_and_no_other_variable_counts() {
        // What is set; the proxy, and the hosts that are reached without it.
        let table: [(&[_], _, _); 7] = [
            (&[("HTTPS_PROXY", "upper"), ("https_proxy", "lower")], "http://lower/", ""),
            (&[("HTTPS_PROXY", "upper"), ("https_proxy", " ")], "http://upper/", ""),
            (&[("HTTPS_PROXY", "not a proxy"), ("https_proxy", "lower")], "http://lower/", ""),
            (&[("https_proxy", "p"), ("NO_PROXY", "upper"), ("no_proxy", "lower")], "http://p/", "lower"),
            (&[("https_proxy", "p"), ("NO_PROXY", "upper"), ("no_proxy", "")], "http://p/", "upper"),
            (&[("https_proxy", "p"), ("NO_PROXY", "*.a.b , .c.d,10.0.0.0/8,*")], "http://p/", "a.b,.c.d,10.0.0.0/8,*"),
            (&[("https_proxy", "u:s@cret@P:1/path")], "http://u:s%40cret@P:1/", ""),
        ];
        for (variables, proxy, direct) in table {
            let expected = ProxyConfig::https(proxy).unwrap().no_proxy(direct);
            assert_eq!(format!("{:?}", read_from(variables).unwrap().unwrap()), format!("{expected:?}"), "{variables:?}");
        }
        for other in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "Https_Proxy"] {
            assert!(read_from(&[(other, "not a proxy")]).unwrap().is_none(), "{other}");
        }
    }
}
