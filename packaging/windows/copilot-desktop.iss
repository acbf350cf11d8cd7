; The installer for Windows, for one user and without administrator. After `packaging/build.py folder`:
;
;   iscc /DVersion=0.1.0 packaging\windows\copilot-desktop.iss
;
; Signed if a sign tool is given:  iscc /DSign "/Ssign=powershell -ExecutionPolicy Bypass -File $p" …

#ifndef Version
  #error Give the version: /DVersion=...
#endif
#define Name "Copilot Desktop"
#define Folder "..\..\dist\copilot-desktop"

[Setup]
AppId={{6E0C1B0E-7A37-4D0B-9E6C-3B1B6C0C4141}
AppName={#Name}
AppVersion={#Version}
AppPublisher=Copilot Desktop contributors
AppPublisherURL=https://github.com/copilot-desktop/copilot-desktop
DefaultDirName={autopf}\{#Name}
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
LicenseFile=..\..\LICENSE
SetupIconFile=..\..\assets\icon.ico
UninstallDisplayIcon={app}\copilot-desktopw.exe
UninstallDisplayName={#Name}
OutputDir=..\..\dist
OutputBaseFilename=copilot-desktop-{#Version}-windows-x64
Compression=lzma2/max
SolidCompression=yes
WizardStyle=modern
; A running app is asked to end before its files are replaced.
CloseApplications=yes
RestartApplications=no
ChangesEnvironment=yes
#ifdef Sign
; The compiler starts the tool in its own folder, so the script is named in full.
SignTool=sign $q{#AddBackslash(SourcePath)}sign.ps1$q $f
SignedUninstaller=yes
#endif

[Tasks]
Name: path; Description: "Let terminals find the command copilot-desktop"

[InstallDelete]
; Libraries of an older version would be found beside those of this one.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Folder}\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{autoprograms}\{#Name}"; Filename: "{app}\copilot-desktopw.exe"; AppUserModelID: "io.github.copilot_desktop"

[Registry]
Root: HKCU; Subkey: "Environment"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; Tasks: path; Check: not OnPath

[Run]
Filename: "{app}\copilot-desktopw.exe"; Description: "Start {#Name}"; Flags: nowait postinstall skipifsilent

[UninstallRun]
Filename: "{app}\copilot-desktop.exe"; Parameters: "autostart off"; Flags: runhidden; RunOnceId: "autostart"

[Code]
const
  WebView = 'Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}';

function HasWebView: Boolean;
var
  Found: String;
begin
  Result :=
    (RegQueryStringValue(HKLM, 'SOFTWARE\WOW6432Node\' + WebView, 'pv', Found) or
     RegQueryStringValue(HKCU, 'Software\' + WebView, 'pv', Found))
    and (Found <> '') and (Found <> '0.0.0.0');
end;

function OnPath: Boolean;
var
  Found: String;
begin
  Result := RegQueryStringValue(HKCU, 'Environment', 'Path', Found)
    and (Pos(';' + Uppercase(ExpandConstant('{app}')) + ';', ';' + Uppercase(Found) + ';') > 0);
end;

procedure CurStepChanged(Step: TSetupStep);
begin
  { Windows 11 and a current Windows 10 have it. Nothing is downloaded here. }
  if (Step = ssPostInstall) and not HasWebView then
    SuppressibleMsgBox('The window needs Microsoft''s WebView2 Runtime, which is missing here. '
      + 'Until it is installed from Microsoft, the browser shows the page.',
      mbInformation, MB_OK, IDOK);
end;

procedure TakeOffPath;
var
  Found, Own: String;
  Place: Integer;
begin
  if not RegQueryStringValue(HKCU, 'Environment', 'Path', Found) then
    Exit;
  Own := ';' + ExpandConstant('{app}');
  Place := Pos(Uppercase(Own) + ';', Uppercase(Found) + ';');
  if Place > 0 then
  begin
    Delete(Found, Place, Length(Own));
    RegWriteExpandStringValue(HKCU, 'Environment', 'Path', Found);
  end;
end;

procedure CurUninstallStepChanged(Step: TUninstallStep);
var
  Ended: Integer;
begin
  if Step = usPostUninstall then
    TakeOffPath;
  if Step <> usUninstall then
    Exit;
  if SuppressibleMsgBox('Also put editors back as they were, and delete the sign-in, keys and '
    + 'settings?', mbConfirmation, MB_YESNO or MB_DEFBUTTON2, IDNO) <> IDYES then
    Exit;
  if not Exec(ExpandConstant('{app}\copilot-desktop.exe'), 'remove-everything --yes', '',
      SW_HIDE, ewWaitUntilTerminated, Ended) or (Ended <> 0) then
    SuppressibleMsgBox('Not everything could be removed. What is left is in '
      + ExpandConstant('{localappdata}\copilot-desktop') + '.', mbError, MB_OK, IDOK);
end;
