"""AWS SNS as moto plays it, with its judge of signatures on (botocore's own). Says its port, and a key that may publish
and nothing else; then, for each line that it reads, the texts that went out. Ends with its standard input."""

import json
import os
import sys

# Three requests make the key; from then on each is looked at.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "3"

import logging

import boto3
from moto.server import ThreadedMotoServer
from moto.sns.models import sns_backends

logging.disable(logging.CRITICAL)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
_, port = server.get_host_and_port()
nobody = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nobody", "region_name": "us-east-1"}
iam = boto3.client("iam", endpoint_url=f"http://127.0.0.1:{port}", **nobody)
iam.create_user(UserName="stepgate")
allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}]}
iam.put_user_policy(UserName="stepgate", PolicyName="publish", PolicyDocument=json.dumps(allow))
key = iam.create_access_key(UserName="stepgate")["AccessKey"]
print(json.dumps({"port": port, "id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}), flush=True)
for _ in sys.stdin:
    texts = [
        {"to": to, "text": text}
        for account in sns_backends.values()
        for backend in account.values()
        for to, text in backend.sms_messages.values()
    ]
    print(json.dumps(texts), flush=True)
os._exit(0)
