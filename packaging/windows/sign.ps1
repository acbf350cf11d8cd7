# Signs one file with a certificate of the user's store; WINDOWS_SIGN_THUMBPRINT says which one.
# Without that nothing is signed. The private key and its password are in no argument.
param([Parameter(Mandatory)] [string] $File)
$ErrorActionPreference = 'Stop'
if (-not $env:WINDOWS_SIGN_THUMBPRINT) {
    Write-Output "Not signed: $File"
    exit 0
}
$server = if ($env:WINDOWS_TIMESTAMP_URL) { $env:WINDOWS_TIMESTAMP_URL } else { 'http://timestamp.digicert.com' }
signtool sign /sha1 $env:WINDOWS_SIGN_THUMBPRINT /fd SHA256 /tr $server /td SHA256 $File
if ($LASTEXITCODE) { throw "signtool ended with $LASTEXITCODE" }
