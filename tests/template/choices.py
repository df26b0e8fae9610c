"""Every choice that the parameters of template.yaml offer, as the other value than the default."""

NETWORK = {"TargetGroupArn": "", "VpcId": "vpc-12345678", "SubnetIds": "subnet-12345678,subnet-87654321"}
CHOICES = {
    "a balancer of its own": NETWORK,
    "security groups": {"SecurityGroupIds": "sg-12345678"},
    "clients": {"ClientCidr": "10.0.0.0/8"},
    "principals": {"AllowedPrincipals": "arn:aws:iam::123456789012:root"},
    "regions": {"SupportedRegions": "eu-west-1,us-east-1"},
    "EventBridge": {"EventSource": "EventBridge"},
    "both": {"EventSource": "Both"},
    "VPC": {"FunctionSubnetIds": "subnet-12345678,subnet-87654321", "FunctionSecurityGroupIds": "sg-12345678"},
    "topic": {"FailoverTopicArn": "arn:aws:sns:eu-west-1:123456789012:theirs"},
    "role": {"RoleArn": "arn:aws:iam::123456789012:role/theirs"},
    "boundary": {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary", "RolePath": "/service/"},
    "key": {"KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1"},
    "alerts": {"AlertTopicArn": "arn:aws:sns:eu-west-1:123456789012:alerts"},
    "mail": {"AlertEmail": "someone@example.com"},
    "hours": {"ScheduleRate": "rate(2 hours)"},
    "no dashboard": {"Dashboard": "false"},
    "no reservation": {"ReservedConcurrency": "0"},
}
