"""What the parameters of template.yaml choose: a balancer of its own or yours, SNS or EventBridge, your role, topic, key;
and the template that a release carries."""

import itertools
import re
import subprocess
import tomllib

from template_support import GIVEN_GROUP, ROOT, TEMPLATE, Stack, claim, source

NETWORK = {"TargetGroupArn": "", "VpcId": "vpc-12345678", "SubnetIds": "subnet-12345678,subnet-87654321"}
BALANCER = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::VPCEndpointService",
    "AWS::EC2::VPCEndpointServicePermissions",
}
# Every choice, as the other value than the default.
CHOICES = {
    "NETWORK": NETWORK,
    "own groups": {"SecurityGroupIds": "sg-12345678"},
    "clients": {"ClientCidr": "10.0.0.0/8"},
    "principals": {"AllowedPrincipals": "arn:aws:iam::123456789012:root"},
    "EventBridge": {"EventSource": "EventBridge"},
    "topic": {"FailoverTopicArn": "arn:aws:sns:eu-west-1:123456789012:theirs"},
    "role": {"RoleArn": "arn:aws:iam::123456789012:role/theirs"},
    "boundary": {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary", "RolePath": "/service/"},
    "key": {"KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1"},
    "alerts": {"AlertTopicArn": "arn:aws:sns:eu-west-1:123456789012:alerts"},
    "mail": {"AlertEmail": "someone@example.com"},
    "no dashboard": {"Dashboard": "false"},
    "no reservation": {"ReservedConcurrency": "0"},
}


@claim
def no_choice_leaves_a_reference_to_what_it_does_not_make():
    # Each alone and each with each other: a reference depends on two choices at the most.
    for chosen in [*itertools.combinations(CHOICES, 1), *itertools.combinations(CHOICES, 2), tuple(CHOICES)]:
        Stack(**{key: value for name in chosen for key, value in CHOICES[name].items()})  # fails on such a reference


@claim
def a_given_target_group_is_all_that_is_used():
    made = {r["Type"] for r in Stack(**CHOICES["principals"], **CHOICES["clients"]).resources.values()}
    assert not made & BALANCER, f"made beside the given group: {made & BALANCER}"
    assert Stack().properties("FailoverFunction")["Environment"]["Variables"]["TARGET_GROUP_ARN"] == GIVEN_GROUP


@claim
def without_a_target_group_the_stack_makes_all_that_leads_to_one():
    stack = Stack(**NETWORK, **CHOICES["principals"])
    made = {r["Type"] for r in stack.resources.values()}
    assert BALANCER <= made, f"not made: {BALANCER - made}"
    balancer, group, listener = (stack.properties(name) for name in ("LoadBalancer", "TargetGroup", "Listener"))
    assert (balancer["Type"], balancer["Scheme"]) == ("network", "internal"), balancer
    assert balancer["Subnets"] == ["subnet-12345678", "subnet-87654321"], balancer["Subnets"]
    assert (group["TargetType"], group["Protocol"], group["Port"]) == ("ip", "TCP", "3306")
    assert "Targets" not in group, "CloudFormation would register targets; they are the function's"
    assert group["HealthCheckPort"] not in ("traffic-port", group["Port"]), "the health check goes to the database"
    arn = stack.fn_ref("TargetGroup")
    assert listener["DefaultActions"] == [{"Type": "forward", "TargetGroupArn": arn}], "the listener leads elsewhere"
    assert listener["LoadBalancerArn"] == "LoadBalancer" and (listener["Protocol"], listener["Port"]) == ("TCP", "3306")
    assert stack.properties("FailoverFunction")["Environment"]["Variables"]["TARGET_GROUP_ARN"] == arn


@claim
def the_groups_attributes_are_those_that_check_asks_for():
    table = re.search(r"const ATTRIBUTES.*?= \[(.*?)\n\];", source("check.rs"), re.S)[1]
    wanted = dict(re.findall(r'\(\s*"([a-z_.]+)",\s*"(\w+)",', table))
    assert len(wanted) == 5, f"src/check.rs asks for {wanted}"
    found = {a["Key"]: a["Value"] for a in Stack(**NETWORK).properties("TargetGroup")["TargetGroupAttributes"]}
    assert found == wanted, f"set {found}, asked for {wanted}"


@claim
def the_endpoint_service_lets_in_only_who_is_named():
    stack = Stack(**NETWORK)
    assert not stack.of_type("AWS::EC2::VPCEndpointServicePermissions"), "somebody is allowed unasked"
    service = stack.properties("EndpointService")
    assert service == {"NetworkLoadBalancerArns": ["LoadBalancer"], "AcceptanceRequired": "true"}, service
    assert stack.outputs["EndpointServiceName"] == "com.amazonaws.vpce.eu-west-1.EndpointService"
    principals = "arn:aws:iam::123456789012:root,arn:aws:iam::210987654321:role/x"
    allowed = Stack(**NETWORK, AllowedPrincipals=principals).properties("EndpointServicePermissions")
    assert allowed == {"ServiceId": "EndpointService", "AllowedPrincipals": principals.split(",")}, allowed
    assert "EndpointServiceName" not in Stack().outputs, "a service name without a service"
    assert not re.search(TEMPLATE["Parameters"]["AllowedPrincipals"]["AllowedPattern"], "*"), "everybody can be allowed"


@claim
def the_balancers_security_groups_are_the_stacks_own_or_yours():
    enforcement = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"
    own = Stack(**NETWORK)
    assert own.properties("LoadBalancer")["SecurityGroups"] == ["LoadBalancerSecurityGroup"]
    assert own.properties("LoadBalancer")[enforcement] == "off", "PrivateLink meets a group without rules"
    assert "SecurityGroupIngress" not in own.properties("LoadBalancerSecurityGroup"), "open without being asked"
    clients = Stack(**NETWORK, **CHOICES["clients"], SecurityGroupsOnPrivateLink="on")
    assert clients.properties("LoadBalancer")[enforcement] == "on"
    (rule,) = clients.properties("LoadBalancerSecurityGroup")["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"]) == ("10.0.0.0/8", "3306", "3306"), rule
    yours = Stack(**NETWORK, SecurityGroupIds="sg-12345678,sg-87654321")
    assert yours.properties("LoadBalancer")["SecurityGroups"] == ["sg-12345678", "sg-87654321"]
    assert not yours.of_type("AWS::EC2::SecurityGroup"), "a group beside yours"


@claim
def parameters_that_do_not_fit_together_are_refused():
    enforced = {"SecurityGroupsOnPrivateLink": "on"} | CHOICES["clients"]
    for parameters in ({}, NETWORK, NETWORK | enforced, CHOICES["EventBridge"]):
        assert not Stack(**parameters).broken_rules(), f"{parameters} is refused"
    for parameters, words in (
        (NETWORK | {"VpcId": ""}, "VpcId"),
        (NETWORK | {"SubnetIds": ""}, "SubnetIds"),
        (NETWORK | {"SecurityGroupsOnPrivateLink": "on"}, "ClientCidr"),
        (CHOICES["topic"] | CHOICES["EventBridge"], "FailoverTopicArn"),
    ):
        found = Stack(**parameters).broken_rules()
        assert len(found) == 1 and words in found[0], f"{parameters}: {found}"


@claim
def a_given_role_serves_function_and_schedule_and_no_role_is_made():
    stack = Stack(**CHOICES["role"])
    assert not [n for n, r in stack.resources.items() if r["Type"].startswith("AWS::IAM::")], "a role or policy is made"
    role = stack.parameters["RoleArn"]
    assert stack.properties("FailoverFunction")["Role"] == role, "the function has another role"
    (schedule,) = stack.of_type("AWS::Scheduler::Schedule").values()
    assert schedule["Target"]["RoleArn"] == role, "the schedule has another role"


@claim
def boundary_and_path_hold_for_every_role():
    plain, bounded = Stack(), Stack(**CHOICES["boundary"])
    for name, role in bounded.of_type("AWS::IAM::Role").items():
        assert role["PermissionsBoundary"].endswith(":policy/boundary"), f"{name} is not bounded"
        assert role["Path"] == "/service/", f"{name} has the path {role['Path']}"
        assert "PermissionsBoundary" not in plain.properties(name), f"{name} is bounded unasked"


@claim
def a_given_key_encrypts_all_that_holds_data():
    key, stack = CHOICES["key"]["KmsKeyArn"], Stack(**CHOICES["key"])
    places = {"AWS::SQS::Queue": "KmsMasterKeyId", "AWS::SNS::Topic": "KmsMasterKeyId", "AWS::Logs::LogGroup": "KmsKeyId",
              "AWS::Lambda::Function": "KmsKeyArn"}
    for kind, field in places.items():
        for name, properties in stack.of_type(kind).items():
            assert properties.get(field) == key, f"{name} is not encrypted with the key"
            assert field not in Stack().properties(name), f"{name} names a key that was not given"


@claim
def given_topics_are_used_and_not_touched():
    topics = CHOICES["topic"] | CHOICES["alerts"] | CHOICES["mail"]
    stack = Stack(**topics)
    kinds = {r["Type"] for r in stack.resources.values()}
    assert not kinds & {"AWS::SNS::Topic", "AWS::SNS::TopicPolicy"}, "a topic or a policy is made"
    failovers, alerts = topics["FailoverTopicArn"], topics["AlertTopicArn"]
    assert stack.properties("FailoverSubscription")["TopicArn"] == stack.properties("FailoverEvents")["SnsTopicArn"] == failovers
    assert stack.properties("FailoverTopicMayInvoke")["SourceArn"] == failovers
    mail = stack.properties("AlertMail")
    assert (mail["TopicArn"], mail["Protocol"], mail["Endpoint"]) == (alerts, "email", "someone@example.com")
    assert "AlertMail" not in Stack().resources, "somebody is mailed unasked"


@claim
def with_eventbridge_nothing_of_rds_goes_through_sns():
    stack = Stack(**CHOICES["EventBridge"])
    kinds = {r["Type"] for r in stack.resources.values()}
    assert "AWS::Events::Rule" in kinds and not kinds & {"AWS::RDS::EventSubscription", "AWS::SNS::Subscription"}, kinds
    assert stack.of_type("AWS::SNS::Topic").keys() == {"AlertTopic"}, "a topic for RDS"
    assert "AWS::Events::Rule" not in {r["Type"] for r in Stack().resources.values()}, "every event would come twice"


@claim
def a_release_carries_a_template_that_needs_no_build():
    for architecture in ("arm64", "x86_64"):
        script = [ROOT / ".github" / "release-template.sh", architecture]
        text = subprocess.run(script, check=True, capture_output=True, text=True).stdout
        assert f"CodeUri: aurora-nlb-failover-{architecture}.zip\n" in text, "the code is not the zip"
        assert "BuildMethod" not in text and "LICENSE" not in text, "it needs files that a release does not have"
        stack = Stack(text)
        assert stack.properties("FailoverFunction")["Architectures"] == [architecture]
        assert stack.template["Parameters"]["Architecture"]["AllowedValues"] == [architecture], "the wrong code can be chosen"
        plain = lambda stack: {name: r["Properties"] for name, r in stack.resources.items()}
        assert plain(stack) == plain(Stack(Architecture=architecture)), "the release differs in more than the code"
    refused = subprocess.run([ROOT / ".github" / "release-template.sh", "mips"], capture_output=True)
    assert refused.returncode != 0 and not refused.stdout, "it knows more architectures than there are"


@claim
def the_repository_metadata_agrees_with_the_crate():
    package = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
    metadata = TEMPLATE["Metadata"]["AWS::ServerlessRepo::Application"]
    assert (metadata["Name"], metadata["SemanticVersion"]) == (package["name"], package["version"]), metadata
    assert (metadata["SpdxLicenseId"], metadata["SourceCodeUrl"]) == (package["license"], package["repository"]), metadata
    for url in ("LicenseUrl", "ReadmeUrl"):  # without them "sam deploy" fails, not only "sam publish"
        assert (ROOT / metadata[url]).is_file(), f"{url}: there is no {metadata[url]}"
