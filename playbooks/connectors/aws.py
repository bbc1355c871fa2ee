"""AWS: reading (`AwsReads`) and acting (`Aws`) through boto3, asked once, with time-outs that stop (contract E1).

Belongs here: joining the services, one module each (`aws_<service>.py`). Does not belong here: calling and errors
(aws_client.py). Methods raise Temporary, Refused or Uncertain of `playbooks.errors`.
"""

from __future__ import annotations

from typing import Any

from playbooks.connectors.aws_cloudtrail import CloudTrailReads
from playbooks.connectors.aws_ec2 import Ec2Acts, Ec2Reads
from playbooks.connectors.aws_elasticache import CacheActs, CacheReads
from playbooks.connectors.aws_elb import ElbActs, ElbReads
from playbooks.connectors.aws_iam import AccessKey, IamActs, IamReads
from playbooks.connectors.aws_parameters import ParameterActs, ParameterReads
from playbooks.connectors.aws_rds import DbEvent, DbInstance, RdsActs, RdsReads
from playbooks.connectors.aws_route53 import Record, Route53Acts, Route53Reads
from playbooks.connectors.aws_s3 import S3Acts, S3Object, S3Reads
from playbooks.connectors.aws_scaling import ScalingActs, ScalingReads
from playbooks.connectors.aws_secrets import SecretsActs, SecretSeen, SecretsReads
from playbooks.secrets import resolver

__all__ = ["AccessKey", "Aws", "AwsReads", "DbEvent", "DbInstance", "Record", "S3Object", "SecretSeen"]


class AwsReads(RdsReads, IamReads, S3Reads, SecretsReads, Route53Reads, ElbReads, Ec2Reads, ScalingReads,
               CloudTrailReads, CacheReads, ParameterReads):  # fmt: skip
    """What can be asked of AWS. Registers itself as the store behind `secret://aws/`."""

    acting = False

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        resolver("aws", self.secret_value)


class Aws(AwsReads, RdsActs, IamActs, S3Acts, Route53Acts, ElbActs, Ec2Acts, ScalingActs, SecretsActs, CacheActs,
          ParameterActs):  # fmt: skip
    """What can be done in AWS."""

    acting = True
